// What users install: each package that we chose is accounted for, and all of them are permissively licensed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { nameOf, productionTree } from '../../tools/production-tree.js';
import { root } from '../support/sources.js';

const PERMISSIVE = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD', 'BlueOak-1.0.0'];

describe('The dependencies', () => {
  const { manifest, lock } = productionTree();
  const chosen = { ...manifest.dependencies, ...manifest.peerDependencies };
  const installed = Object.entries(lock.packages).filter(([place]) => place !== '');

  it('have a line each in docs/dependencies.md, with their licence', () => {
    const lines = readFileSync(join(root, 'docs/dependencies.md'), 'utf8').split('\n');
    const packages = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
    for (const name of Object.keys(chosen)) {
      const line = lines.find((one) => one.startsWith(`| \`${name}\` |`));
      expect(line, `${name} has a line`).not.equal(undefined);
      const { license } = packages[`node_modules/${name}`];
      expect(line?.split('|').map((cell) => cell.trim())).include(license, `${name} is under ${license}`);
    }
  });

  it('that have a line there are the ones of package.json', () => {
    const text = readFileSync(join(root, 'docs/dependencies.md'), 'utf8');
    const tables = text.slice(0, text.indexOf('## For development'));
    const named = [...tables.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name);
    expect(named.sort()).deep.equal(Object.keys(chosen).sort());
  });

  it('are under permissive licences, with all that they bring', () => {
    expect(installed.length).above(Object.keys(manifest.dependencies).length);
    const others = installed.filter(([, { license }]) => !PERMISSIVE.includes(license ?? ''));
    expect(others.map(([place, { license }]) => `${nameOf(place)}: ${license}`)).deep.equal([]);
  });
});
