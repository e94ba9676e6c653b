/** The settings as they may be shown: nothing secret is left in them. */
import { PEPPER, pepper, type ReadSettings, type SettingName } from './settings.js';
import { shownUrl } from './shown-url.js';

export interface ShownSetting {
  value: string | number;
  /** The option, variable or file that it was given by, or `default`. */
  from: string;
}

/** Every setting by its name, and of the pepper no more than whether there is one. */
export function shownSettings({ settings, from }: ReadSettings): Record<string, ShownSetting> {
  const values = { ...settings, connection: shownUrl(settings.connection) };
  const sources = Object.entries(from) as [SettingName, string][];
  const isPeppered = pepper() !== undefined;
  return {
    ...Object.fromEntries(sources.map(([name, source]) => [name, { value: values[name], from: source }])),
    pepper: { value: isPeppered ? 'set' : 'none', from: isPeppered ? PEPPER : 'default' },
  };
}
