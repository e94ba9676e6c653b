/** The files of certificates that settings name, for a connection over TLS. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Address, isTls, overTls, type TlsMaterial } from '../redis/connection.js';

/** Which part of `TlsMaterial` each setting names the file of. */
const PARTS = { tlsCa: 'ca', tlsCert: 'cert', tlsKey: 'key' } as const;

export type TlsSetting = keyof typeof PARTS;

export const TLS_SETTINGS = Object.keys(PARTS) as TlsSetting[];

export interface ReadTls {
  /** Nothing where no setting names a file. */
  material: TlsMaterial | undefined;
  /** What can not work, each with the setting that it lies with. */
  problems: [name: TlsSetting, problem: string][];
}

/** Reads the files, and looks into them: a wrong one would be known by nothing but connections that do not come about. */
export function readTls(settings: Record<string, unknown>): ReadTls {
  const material: TlsMaterial = {};
  const problems: ReadTls['problems'] = [];
  const given = TLS_SETTINGS.filter((name) => settings[name] !== '');
  for (const name of given) {
    if (holdsText(String(settings[name]))) {
      problems.push([name, 'must be the name of a file, not what stands in it']);
      continue;
    }
    try {
      const text = readFileSync(String(settings[name]), 'utf8');
      check(name, text);
      material[PARTS[name]] = text;
    } catch (error) {
      problems.push([name, `${settings[name]}: ${(error as Error).message}`]);
    }
  }
  const { cert, key } = material;
  if (settings.tlsCert === '' && given.includes('tlsKey')) problems.push(['tlsCert', 'goes with tlsKey']);
  if (settings.tlsKey === '' && given.includes('tlsCert')) problems.push(['tlsKey', 'goes with tlsCert']);
  if (cert && key && !new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    problems.push(['tlsKey', 'is not the key of the certificate in tlsCert']);
  return { material: given.length > 0 ? material : undefined, problems };
}

/** Whether somebody has given a key itself, which a message with its file's name would show. */
const holdsText = (given: string): boolean => /\n|-----/.test(given);

/** @throws {Error} */
function check(name: TlsSetting, text: string): void {
  if (name === 'tlsKey') createPrivateKey(text);
  else new X509Certificate(text); // the first of them
}

/** A connection by the certificates of the settings, where it goes over TLS. They must have been checked. */
export const secured = (connection: Address, { material }: ReadTls): Address =>
  material && isTls(connection) ? overTls(connection, material) : connection;
