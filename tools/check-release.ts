// What publishing needs that nobody but its publisher knows: npm runs it before it publishes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const { version, repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string;
  repository?: unknown;
};
const problems: string[] = [];
// The registry refuses provenance of a package that does not name the repository that it was built from.
if (!repository) problems.push('package.json names no "repository", without which there is no provenance');
if (!readFileSync(join(root, 'CHANGELOG.md'), 'utf8').includes(`\n## ${version}`))
  problems.push(`CHANGELOG.md has no section "## ${version}"`);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
