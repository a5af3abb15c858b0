/// A place as somebody typed it: with a comma or a point, both numbers or neither.

export interface TypedPlace {
  latitude: number | null;
  longitude: number | null;
}

/// `null`: it cannot be a place.
export function readPlace(latitude: string, longitude: string): TypedPlace | null {
  const [lat, lon] = [latitude.trim(), longitude.trim()];
  if (lat === "" && lon === "") return { latitude: null, longitude: null };
  const read = (text: string) => (/^-?\d+([.,]\d+)?$/.test(text) ? Number(text.replace(",", ".")) : Number.NaN);
  const place = { latitude: read(lat), longitude: read(lon) };
  return Math.abs(place.latitude) <= 90 && Math.abs(place.longitude) <= 180 ? place : null;
}
