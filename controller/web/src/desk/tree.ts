/// The tree of areas as a screen needs it: nested, searched, and what may hang under what.
import { byName, matches } from "./fold";

export interface Placed {
  id: string;
  name: string;
  parent: string | null;
}

export interface Node<A extends Placed> {
  area: A;
  depth: number;
  children: Node<A>[];
}

/// An area whose parent is out of sight is a root here: nobody's reach begins at the top.
export function tree<A extends Placed>(areas: A[]): Node<A>[] {
  const nodes = new Map(areas.map((area) => [area.id, { area, depth: 0, children: [] } as Node<A>]));
  const roots: Node<A>[] = [];
  for (const node of nodes.values()) {
    const parent = node.area.parent === null ? undefined : nodes.get(node.area.parent);
    (parent ? parent.children : roots).push(node);
  }
  const settle = (level: Node<A>[], depth: number) => {
    level.sort((a, b) => byName(a.area, b.area));
    for (const node of level) {
      node.depth = depth;
      settle(node.children, depth + 1);
    }
  };
  settle(roots, 0);
  return roots;
}

/// Top-down, each before what is below it.
export function flat<A extends Placed>(nodes: Node<A>[]): Node<A>[] {
  return nodes.flatMap((node) => [node, ...flat(node.children)]);
}

/// The area and everything below it.
export function below<A extends Placed>(areas: A[], id: string): Set<string> {
  const found = new Set([id]);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const area of areas) if (area.parent !== null && found.has(area.parent)) found.add(area.id);
  }
  return found;
}

/// From the area up to the top of what is in sight.
export function lineage<A extends Placed>(areas: A[], id: string): A[] {
  const all = new Map(areas.map((area) => [area.id, area]));
  const line: A[] = [];
  for (let at = all.get(id); at && !line.includes(at); at = at.parent === null ? undefined : all.get(at.parent)) line.push(at);
  return line;
}

/// "Bản Chương, Sảng Mộc": what tells two hamlets of one name apart.
export function fullName<A extends Placed>(areas: A[], id: string): string {
  return lineage(areas, id)
    .slice(0, 2)
    .map((area) => area.name)
    .join(", ");
}

/// Under what an area may hang: never itself or what is below it.
export function mayHangUnder<A extends Placed>(areas: A[], id: string): A[] {
  const own = below(areas, id);
  return flat(tree(areas))
    .map((node) => node.area)
    .filter((area) => !own.has(area.id));
}

/// What a search leaves: what matches, with everything above it so that one sees where it is.
export function search<A extends Placed>(areas: A[], query: string): A[] {
  if (query.trim() === "") return areas;
  const keep = new Set<string>();
  for (const area of areas) {
    if (matches(query, area.name)) for (const above of lineage(areas, area.id)) keep.add(above.id);
  }
  return areas.filter((area) => keep.has(area.id));
}
