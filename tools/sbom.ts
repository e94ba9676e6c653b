// `npm run sbom`: prints a CycloneDX bill of materials of what users install, as npm makes it of the lock file.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { productionTree } from './production-tree.js';

// `npm sbom --omit dev` leaves out whatever a development dependency needs too, bullmq among it: so it is asked where
// there are none. It names the bill after the folder.
const { manifest, lock } = productionTree();
const above = mkdtempSync(join(tmpdir(), 'redis-tokens-sbom-'));
try {
  const folder = join(above, manifest.name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
  const args = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=library'];
  process.stdout.write(execFileSync('npm', args, { cwd: folder, maxBuffer: 2 ** 26 }));
} finally {
  rmSync(above, { recursive: true });
}
