/** Peppers as an operator gives them: one key, or a line `<id>:<key in base64>` for each of several, from a variable or a file. */
import { readFileSync } from 'node:fs';
import { type Pepper, type PepperKey, pepperProblem } from '../tokens/pepper.js';

/** One key, as it is. */
export const PEPPER_VARIABLE = 'REDIS_TOKENS_PEPPER';
/** The lines. */
export const PEPPERS_VARIABLE = 'REDIS_TOKENS_PEPPERS';

/** Its name is not told: somebody may have given the key itself. */
const OF_FILE = 'the file of pepperFile';

export interface ReadPepper {
  pepper: Pepper | undefined;
  /** What it was given by. */
  from?: string | undefined;
  /** What can not work. No key is in it. */
  problem: string | undefined;
}

/** @param file holds the lines; '' where there is none. */
export function readPepper(file: string): ReadPepper {
  const { [PEPPER_VARIABLE]: one, [PEPPERS_VARIABLE]: lines } = process.env;
  const given = [one && PEPPER_VARIABLE, lines && PEPPERS_VARIABLE, file && OF_FILE].filter(Boolean);
  if (given.length > 1) return wrong(`is given more than once: by ${given.join(' and ')}`);
  const from = given[0];
  if (!from) return { pepper: undefined, problem: undefined };
  let pepper: Pepper | undefined;
  try {
    pepper = one || peppersIn(lines || readFileSync(file, 'utf8'));
  } catch (error) {
    return wrong(`can not be read: ${(error as NodeJS.ErrnoException).code} (given by ${OF_FILE})`);
  }
  if (!pepper) return wrong(`must be lines of <id>:<key in base64>, or none: (given by ${from})`);
  const expected = pepperProblem(pepper);
  return expected === undefined
    ? { pepper, from, problem: undefined }
    : wrong(`must be ${expected} (given by ${from})`);
}

const wrong = (problem: string): ReadPepper => ({
  pepper: undefined,
  problem: `option "pepper" ${problem}`,
});

/** The first seals. Lines that are empty, or begin with #, are no keys. `undefined` where one is none of them. */
function peppersIn(text: string): PepperKey[] | undefined {
  const peppers: PepperKey[] = [];
  for (const line of text.split(/\r?\n/).map((each) => each.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const [, id, base64] = /^([^:\s]+):\s*(\S*)$/.exec(line) ?? [];
    if (id === undefined || base64 === undefined) return undefined;
    const key = Buffer.from(base64, 'base64'); // which takes base64url as well
    const isBase64 =
      key.toString('base64url') === base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=*$/, '');
    if (!isBase64) return undefined;
    peppers.push({ id, key: id === 'none' && base64 === '' ? null : key });
  }
  return peppers;
}
