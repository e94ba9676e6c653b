/** The settings as they may be shown: nothing secret is left in them. */
import { readPepper } from './peppers.js';
import { type ReadSettings, SECRETS, type SettingName, secret } from './settings.js';
import { shownUrl } from './shown-url.js';

export interface ShownSetting {
  value: string | number;
  /** The option, variable or file that it was given by, or `default`. */
  from: string;
}

/** Every setting by its name, and of a secret no more than whether there is one. */
export function shownSettings({ settings, from }: ReadSettings): Record<string, ShownSetting> {
  const values = { ...settings, connection: shownUrl(settings.connection) };
  const sources = Object.entries(from) as [SettingName, string][];
  const secrets = Object.entries(SECRETS).map(([name, { variable }]) => {
    const isSet = secret(name as keyof typeof SECRETS) !== undefined;
    return [name, { value: isSet ? 'set' : 'none', from: isSet ? variable : 'default' }];
  });
  return {
    ...Object.fromEntries(sources.map(([name, source]) => [name, { value: values[name], from: source }])),
    ...Object.fromEntries(secrets),
    pepper: shownPepper(settings.pepperFile),
  };
}

/** Of several their ids, the one that seals first. */
function shownPepper(file: string): ShownSetting {
  const { pepper, from = 'default' } = readPepper(file);
  const value = Array.isArray(pepper) ? pepper.map(({ id }) => id).join(', ') : pepper ? 'set' : 'none';
  return { value, from };
}
