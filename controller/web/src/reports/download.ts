/// A file from the office onto this device: fetched as the person who is signed in, then handed to the browser.
import { api, type Options } from "$/api/client";

/// Returns the name under which it was saved.
export async function download(path: string, fallback: string, query: NonNullable<Options["query"]>): Promise<string> {
  const file = await api.file(path, fallback, { query });
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = file.name;
  document.body.append(link);
  link.click();
  link.remove();
  // Not at once: some phones begin to read it only now.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  return file.name;
}
