// The bill of materials names everything that users install, and nothing else.
import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { nameOf, productionTree } from '../../tools/production-tree.js';
import { root } from '../support/sources.js';

interface Bill {
  bomFormat: string;
  specVersion: string;
  serialNumber: string;
  metadata: { component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

interface Component {
  'bom-ref': string;
  name: string;
  version: string;
  scope?: string;
  licenses?: unknown[];
  hashes?: unknown[];
}

const idOf = ({ name, version }: Component) => `${name}@${version}`;

describe('npm run sbom', () => {
  const { manifest, lock } = productionTree();
  let bill: Bill;

  before(function () {
    this.timeout(30_000);
    bill = JSON.parse(execFileSync('npm', ['run', '--silent', 'sbom'], { cwd: root, encoding: 'utf8' }));
  });

  it('prints a CycloneDX bill of this package', () => {
    expect(bill.bomFormat).equal('CycloneDX');
    expect(bill.specVersion).match(/^1\.\d$/);
    expect(bill.serialNumber).match(/^urn:uuid:[\da-f-]{36}$/);
    expect(idOf(bill.metadata.component)).equal(`${manifest.name}@${manifest.version}`);
  });

  it('names each package that is installed, by licence and hash', () => {
    const installed = Object.entries(lock.packages)
      .filter(([place]) => place !== '')
      .map(([place, { version }]) => `${nameOf(place)}@${version}`);
    expect(new Set(bill.components.map(idOf))).deep.equal(new Set(installed));
    const bare = bill.components.filter(({ licenses, hashes }) => !licenses?.length || !hashes?.length);
    expect(bare.map(idOf)).deep.equal([]);
  });

  it('tells what this package depends on itself, ioredis as required', () => {
    const own = bill.dependencies.find(({ ref }) => ref === bill.metadata.component['bom-ref']);
    const names = (own?.dependsOn ?? []).map((ref) => ref.slice(0, ref.lastIndexOf('@')));
    expect(names).include.members([...Object.keys(manifest.dependencies), 'ioredis']);
    expect(bill.components.find(({ name }) => name === 'ioredis')?.scope).equal('required');
  });

  it('leaves out what only development needs', () => {
    const names = bill.components.map(({ name }) => name);
    expect(names).not.include.oneOf(['mocha', 'typescript', 'tsx', '@bull-board/api']);
  });
});
