// What users install, by package.json and package-lock.json: dependencies and peers with all that they bring.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

export interface LockedPackage {
  version: string;
  license?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

export interface Manifest extends LockedPackage {
  name: string;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
}

interface Lock {
  /** By their place below the root, such as `node_modules/bullmq`; the root itself is ''. */
  packages: Record<string, LockedPackage>;
}

export interface ProductionTree {
  manifest: Manifest;
  lock: Lock;
}

/**
 * Nothing is asked of a registry. Optional peers are not in it, unless something else needs them: who uses one installs
 * it himself. npm's own marks `dev` and `devOptional` are not gone by: they tell ioredis, a peer that the tests need as
 * well, from what is required.
 */
export function productionTree(): ProductionTree {
  const { devDependencies: _, ...manifest } = read<Manifest & { devDependencies: unknown }>('package.json');
  const lock = read<Lock>('package-lock.json');
  const packages: Lock['packages'] = { '': manifest };
  const open = [''];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    for (const name of needsOf(packages[place] as LockedPackage)) {
      const found = resolve(lock, place, name);
      if (found === undefined || found in packages) continue;
      const { devOptional: __, ...locked } = lock.packages[found] as LockedPackage & { devOptional?: true };
      packages[found] = locked;
      open.push(found);
    }
  }
  return { manifest, lock: { ...lock, packages } };
}

/** `@scope/name` of `node_modules/a/node_modules/@scope/name`. */
export const nameOf = (place: string): string =>
  place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);

function needsOf({
  dependencies,
  optionalDependencies,
  peerDependencies,
  peerDependenciesMeta,
}: LockedPackage) {
  const peers = Object.keys(peerDependencies ?? {}).filter((name) => !peerDependenciesMeta?.[name]?.optional);
  return [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers];
}

/** As Node looks for a package: in the asking one's own folder, then in those around it. */
function resolve({ packages }: Lock, asking: string, name: string): string | undefined {
  for (
    let folder = asking;
    ;
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))
  ) {
    const place = `${folder}${folder === '' ? '' : '/'}node_modules/${name}`;
    if (place in packages) return place;
    if (folder === '') return undefined;
  }
}

const read = <T>(file: string): T => JSON.parse(readFileSync(join(root, file), 'utf8')) as T;
