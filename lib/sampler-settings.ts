export interface SamplerOptions {
  temperature?: number;
  seed?: number;
  maxTokens?: number;
  xtcProbability?: number;
}
export class SamplerSettings {
  temperature = 0.8;
  seed: number | undefined;
  maxTokens = -1;
  xtcProbability = 0;
  constructor(o?: SamplerOptions) {
    Object.assign(this, o);
  }
  get isGreedy() {
    return this.temperature <= 0;
  }
  with(o: SamplerOptions): SamplerSettings {
    return new SamplerSettings({ ...this, ...o } as SamplerOptions);
  }
}
