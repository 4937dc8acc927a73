// `autocog-lm info`: describes the model, its vocabulary and the machine.

import type { Model } from '../../model/model.js';
import type { Vocabulary } from '../../model/model-info.js';
import { type Backends, getBackends } from '../../native/backends.js';
import { withModel } from '../engine.js';
import type { ModelFlags } from '../options.js';
import { lineWidth, paint, print, printJson } from '../output.js';
import { columns } from '../view/table.js';
import { count, quote, size } from '../view/text.js';

export interface InfoFlags extends ModelFlags {
  metadata?: boolean;
  json?: boolean;
}

type Facts = readonly (readonly [name: string, value: string])[];

export async function info(flags: InfoFlags, signal: AbortSignal): Promise<void> {
  const backends = getBackends();
  // On the CPU, weights are memory-mapped, so that only the needed parts are read.
  await withModel(flags, { gpuLayers: 0, signal }, async (model) => {
    const { info, vocab, metadata } = model;
    const more = flags.metadata ? { metadata } : {};
    if (flags.json) await printJson({ info, vocab, backends, ...more });
    else await print(view(model, backends, Boolean(flags.metadata)));
  });
}

function view({ info, vocab, metadata }: Model, backends: Backends, withMetadata: boolean): string {
  const heads =
    info.heads === info.headsKV ? info.heads : `${info.heads}, ${info.headsKV} for keys and values`;
  const sections = [
    section('Model', [
      ['file', info.path],
      ['name', metadata['general.name'] ?? ''],
      ['description', info.description],
      ['architecture', info.architecture],
      ['parameters', count(info.parameters)],
      ['size', size(info.sizeBytes)],
      ['training context', `${count(info.trainContextSize)} tokens`],
      ['layers', count(info.layers)],
      ['embedding', count(info.embeddingSize)],
      ['heads', String(heads)],
      ['kind', kind(info)],
      ['chat template', info.chatTemplate === undefined ? 'no' : 'yes'],
    ]),
    section('Vocabulary', vocabularyFacts(vocab)),
    section('Engine', [
      ['llama.cpp', backends.llamaVersion],
      ['system', backends.systemInfo.replace(/( = 1)? \|/g, '').trim()],
      ...backends.devices.map(({ name, description, type, memoryFree, memoryTotal }) => {
        const memory = `${size(memoryFree)} free of ${size(memoryTotal)}`;
        return ['device', `${name} (${type}): ${description}, ${memory}`] as const;
      }),
    ]),
  ];
  if (withMetadata) {
    const sorted = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
    const longest = Math.max(0, ...sorted.map(([key]) => key.length));
    const width = Math.max(20, lineWidth() - longest - 4);
    sections.push(
      section(
        'Metadata',
        sorted.map(([key, value]) => [key, quote(value, width)] as const),
      ),
    );
  }
  return sections.join('\n\n');
}

function kind(info: Model['info']): string {
  const words = [
    info.hasEncoder && 'encoder',
    info.hasDecoder && 'decoder',
    info.recurrent && 'recurrent',
    info.hybrid && 'hybrid',
    info.diffusion && 'diffusion',
    info.slidingWindow > 0 && `sliding window of ${count(info.slidingWindow)}`,
  ];
  return words.filter(Boolean).join(', ');
}

const special = ['bos', 'eos', 'eot', 'nl', 'pad', 'sep', 'mask', 'fimPre', 'fimSuf', 'fimMid'];

function vocabularyFacts(vocab: Vocabulary): Facts {
  const tokens = special.flatMap((name) => {
    const id = vocab[name as keyof Vocabulary];
    return id === undefined ? [] : [`${name} ${id}`];
  });
  const added = [vocab.addBos && 'bos before', vocab.addEos && 'eos after'].filter(Boolean);
  return [
    ['type', vocab.type],
    ['tokens', count(vocab.size)],
    ['special', tokens.join(', ')],
    ['added to a prompt', added.join(', ') || 'nothing'],
    ['ends a generation', vocab.endOfGeneration.join(', ')],
  ];
}

function section(title: string, facts: Facts): string {
  const rows = facts
    .filter(([, value]) => value !== '')
    .map(([name, value]) => [`  ${name}`, value]);
  return `${paint('bold', title)}\n${columns(
    [
      ['', 'left'],
      ['', 'left'],
    ],
    rows,
  )}`;
}
