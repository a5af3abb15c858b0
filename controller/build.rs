//! Migrations and the web app are built into the program: a change of either must rebuild it.
//!
//! `web/dist` becomes the table `web.rs`: every file with its type, its hash, and what it is in brotli and gzip. Where
//! nobody built the app, the plain pages of `src/http/plain` stand in for it.

use std::{
    env, fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

const BUILT: &str = "web/dist";
const PLAIN: &str = "src/http/plain";

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=migrations");
    // Cargo would run this every time while a folder that it watches is not there.
    fs::create_dir_all(BUILT)?;
    println!("cargo:rerun-if-changed={BUILT}");
    println!("cargo:rerun-if-changed={PLAIN}");
    let home = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(variable("OUT_DIR")?);
    let is_built = home.join(BUILT).join("index.html").is_file();
    let root = home.join(if is_built { BUILT } else { PLAIN });
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut table = format!(
        "/// The app itself, and not the plain pages that stand in for it.\npub const IS_BUILT: bool = {is_built};\n\
         pub static ASSETS: &[Asset] = &[\n"
    );
    for file in &files {
        table.push_str(&row(&root, file, &out)?);
    }
    table.push_str("];\n");
    fs::write(out.join("web.rs"), table)
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}

/// Source maps stay out: they are larger than what they explain.
fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_none_or(|e| e != "map") {
            files.push(path);
        }
    }
    Ok(())
}

fn row(root: &Path, file: &Path, out: &Path) -> io::Result<String> {
    let bytes = fs::read(file)?;
    let name = file
        .strip_prefix(root)
        .ok()
        .and_then(Path::to_str)
        .ok_or_else(|| io::Error::other(format!("{}: a name in UTF-8", file.display())))?;
    let (kind, is_text) = kind(file);
    let hash: String = Sha256::digest(&bytes)
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let packed = |ending: &str, smaller: Vec<u8>| -> io::Result<String> {
        // Not worth unpacking on a phone.
        if !is_text || smaller.len() * 10 > bytes.len() * 9 {
            return Ok("None".into());
        }
        let path = out.join(format!("{hash}.{ending}"));
        fs::write(&path, smaller)?;
        Ok(format!("Some(include_bytes!({path:?}))"))
    };
    let brotli = packed("br", brotli(&bytes)?)?;
    let gzip = packed("gz", gzip(&bytes)?)?;
    Ok(format!(
        "    Asset {{ path: {:?}, kind: {kind:?}, hash: {hash:?}, plain: include_bytes!({file:?}), brotli: {brotli}, gzip: {gzip} }},\n",
        format!("/{name}")
    ))
}

/// The type, and whether it is text, which becomes smaller.
fn kind(file: &Path) -> (&'static str, bool) {
    match file
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default()
    {
        "html" => ("text/html; charset=utf-8", true),
        "js" | "mjs" => ("text/javascript; charset=utf-8", true),
        "css" => ("text/css; charset=utf-8", true),
        "json" => ("application/json", true),
        "webmanifest" => ("application/manifest+json", true),
        "svg" => ("image/svg+xml", true),
        "txt" => ("text/plain; charset=utf-8", true),
        "wasm" => ("application/wasm", true),
        "png" => ("image/png", false),
        "jpg" | "jpeg" => ("image/jpeg", false),
        "webp" => ("image/webp", false),
        "ico" => ("image/x-icon", false),
        "woff2" => ("font/woff2", false),
        _ => ("application/octet-stream", false),
    }
}

fn brotli(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = brotli::CompressorWriter::new(Vec::new(), 64 * 1024, 11, 22);
    packed.write_all(bytes)?;
    packed.flush()?;
    Ok(packed.into_inner())
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes)?;
    packed.finish()
}
