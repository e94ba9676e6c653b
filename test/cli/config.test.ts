// What the command says of the settings that it goes by.
import { expect } from 'chai';
import { run } from './in-process.js';

describe('redis-tokens config', () => {
  it('prints every setting with what it was given by, a line each or as JSON, and asks nobody', async () => {
    const env = { REDIS_URL: 'redis://ann:s3cret@example.org:1/2', REDIS_TOKENS_SHARDS: '4' };
    const [lines, json] = await Promise.all([
      run(['config', '--timeout', '3000'], { env }),
      run(['config', '--concurrency', '9', '--json'], { env }),
    ]);
    expect(lines).include({ status: 0, stderr: '' });
    const rows = lines.stdout.trim().split('\n');
    expect(rows.map((row) => row.split(/ {2,}/))).deep.include.members([
      ['connection', 'redis://***:***@example.org:1/2', 'REDIS_URL'],
      ['prefix', 'rt', 'default'],
      ['timeout', '3000', '--timeout'],
      ['consoleUserHeader', '-', 'default'],
    ]);
    expect(JSON.parse(json.stdout)).deep.include({
      shards: { value: 4, from: 'REDIS_TOKENS_SHARDS' },
      concurrency: { value: 9, from: '--concurrency' },
    });
  });
});
