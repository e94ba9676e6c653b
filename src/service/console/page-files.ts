/** The files of the console's page, as the build has made them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { ConfigError } from '../../tokens/errors.js';

/** Where they are, whether this runs from the sources or built. */
const FOLDER = join(import.meta.dirname, '../../../dist/service/console/page');

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export interface PageFile {
  type: string;
  text: string;
}

/** @throws {ConfigError} where they were not built. */
export function pageFiles(): Map<string, PageFile> {
  if (!existsSync(join(FOLDER, 'index.html'))) {
    throw new ConfigError('the console was not built: run `npm run build` first');
  }
  const names = readdirSync(FOLDER).filter((name) => extname(name) in TYPES);
  return new Map(
    names.map((name) => [
      name,
      { type: TYPES[extname(name)] as string, text: readFileSync(join(FOLDER, name), 'utf8') },
    ]),
  );
}

/** It works without a script, and tells nothing of what is behind it. */
export const loginPage = (wrong: boolean): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>redis-tokens</title>
<link rel="icon" href="/console/page/icon.svg">
<link rel="stylesheet" href="/console/page/console.css">
</head>
<body class="login">
<main>
<h1>redis-tokens</h1>
<form method="post" action="/console/login">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
${wrong ? '<p class="problem" role="alert">That is not the password.</p>' : ''}
<button>Log in</button>
</form>
</main>
</body>
</html>
`;
