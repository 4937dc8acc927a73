// Samplers as JSON, which has no Maps and no infinite numbers. Threads are kept with it.

import { type SamplerOptions, SamplerSettings } from '../sampling/sampler-settings.js';

/** The settings that are not the default, in what JSON has. */
export type SamplerJSON = Record<string, unknown>;

const encode = (_key: string, value: unknown): unknown => {
  if (value instanceof Map) return Object.fromEntries(value);
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
};

const decode = (_key: string, value: unknown): unknown =>
  value === 'Infinity' || value === '-Infinity' ? Number(value) : value;

/** What {@link samplerFromJSON} makes the same settings of. */
export function samplerToJSON(sampler: SamplerSettings | SamplerOptions): SamplerJSON {
  const plain = (settings: object): SamplerJSON => JSON.parse(JSON.stringify(settings, encode));
  const usual = plain(new SamplerSettings());
  const own = plain(sampler instanceof SamplerSettings ? sampler : new SamplerSettings(sampler));
  const differs = ([name, value]: [string, unknown]): boolean =>
    JSON.stringify(value) !== JSON.stringify(usual[name]);
  return Object.fromEntries(Object.entries(own).filter(differs));
}

/** The settings; throws TypeError or RangeError for what is none. */
export function samplerFromJSON(value: unknown): SamplerSettings {
  return new SamplerSettings(JSON.parse(JSON.stringify(value), decode) as SamplerOptions);
}
