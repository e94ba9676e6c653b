// A real browser: Debian's Chromium, which is installed where it is not there. Without one a test fails.
import { type Browser, chromium } from 'playwright-core';
import { findOnPath, installPackage } from '../../tools/debian-package.js';

/** What Chromium asks of the internet by itself stays unasked. */
const QUIET = [
  ...['--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update'],
  ...['--disable-sync', '--disable-gpu'],
];

export async function openBrowser(): Promise<Browser> {
  const log = (line: string) => process.stderr.write(`${line}\n`);
  const executablePath = findOnPath('chromium') ?? (await installPackage('chromium', log));
  if (executablePath === undefined) throw new Error('there is no chromium, and none could be installed');
  return chromium.launch({ executablePath, args: QUIET, chromiumSandbox: process.getuid?.() !== 0 });
}
