// Sampler settings to and from JSON, which has neither Maps nor infinite numbers. `Thread`
// serializes itself with it.

import { type SamplerOptions, SamplerSettings } from '../sampling/sampler-settings.js';

/** The settings that differ from the default, as JSON values. */
export type SamplerJSON = Record<string, unknown>;

const encode = (_key: string, value: unknown): unknown => {
  if (value instanceof Map) return Object.fromEntries(value);
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
};

const decode = (_key: string, value: unknown): unknown =>
  value === 'Infinity' || value === '-Infinity' ? Number(value) : value;

/** Serializes settings; {@link samplerFromJSON} restores them. */
export function samplerToJSON(sampler: SamplerSettings | SamplerOptions): SamplerJSON {
  const plain = (settings: object): SamplerJSON => JSON.parse(JSON.stringify(settings, encode));
  const defaults = plain(new SamplerSettings());
  const own = plain(sampler instanceof SamplerSettings ? sampler : new SamplerSettings(sampler));
  const differs = ([name, value]: [string, unknown]): boolean =>
    JSON.stringify(value) !== JSON.stringify(defaults[name]);
  return Object.fromEntries(Object.entries(own).filter(differs));
}

/** Restores settings; throws TypeError or RangeError if they are invalid. */
export function samplerFromJSON(value: unknown): SamplerSettings {
  return new SamplerSettings(JSON.parse(JSON.stringify(value), decode) as SamplerOptions);
}
