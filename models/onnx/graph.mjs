// Builds the llama architecture as an ONNX graph with a KV cache, with the input and output names of
// Transformers exports. `models/write-onnx.mjs` passes the weights of a GGUF file.

import { attribute, encodeModel, tensor, types, value } from './proto.mjs';

/** Builds a graph of nodes and constants; each node's output is named after the node. */
class Builder {
  nodes = [];
  constants = [];
  #count = 0;

  op(type, inputs, attributes = {}, outputs = undefined) {
    const name = `${type}_${this.#count++}`;
    const output = outputs ?? [name];
    const attributeList = Object.entries(attributes).map(([key, given]) => attribute(key, given));
    this.nodes.push({ name, op_type: type, input: inputs, output, attribute: attributeList });
    return output.length === 1 ? output[0] : output;
  }

  constant(dims, data) {
    const name = `constant_${this.#count++}`;
    this.constants.push(tensor(name, dims, data));
    return name;
  }

  ints(...numbers) {
    return this.constant([numbers.length], BigInt64Array.from(numbers, BigInt));
  }

  int(number) {
    return this.constant([], BigInt64Array.of(BigInt(number)));
  }

  float(number) {
    return this.constant([], Float32Array.of(number));
  }
}

/** Transposes [rows][columns] to [columns][rows]. */
function transpose(data, rows, columns) {
  const result = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = data[row * columns + column];
    }
  }
  return result;
}

/** Reorders rows for RoPE: from llama.cpp's adjacent pairs (2i, 2i + 1) to two halves per head. */
function splitPairs(data, rows, columns, headSize) {
  const result = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    const position = row % headSize;
    const from =
      row - position + (position < headSize / 2 ? 2 * position : 2 * position - headSize + 1);
    result.set(data.subarray(from * columns, (from + 1) * columns), row * columns);
  }
  return result;
}

/** Quantizes to int8 with one scale per row; a row's largest magnitude becomes 127. */
export function quantizeRows(data, rows, columns) {
  const scales = new Float32Array(rows);
  const numbers = new Int8Array(data.length);
  for (let row = 0; row < rows; row++) {
    const part = data.subarray(row * columns, (row + 1) * columns);
    const scale = Math.fround(part.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127) || 1;
    scales[row] = scale;
    numbers.set(
      Int8Array.from(part, (x) => Math.round(x / scale)),
      row * columns,
    );
  }
  return { scales, numbers };
}

/**
 * Builds the bytes of the ONNX file.
 *
 * @param shape layers, heads, headsKV, headSize, width, context, ropeBase, eps, vocabularySize
 * @param tensors as returned by `readGguf`
 * @param options dtype: `fp32`, `fp16` (half-precision inputs and outputs) or `q8` (8-bit weights);
 * past: whether the KV cache is an input and output; window: size of the attention window, including
 * the token itself, or 0 for full attention; recurrent: whether to add the sum of all embeddings so
 * far to the layers' output, which is a state that cannot be truncated
 */
export function llamaGraph(shape, tensors, { dtype, past, window, recurrent }) {
  const { layers, heads, headsKV, headSize, context, ropeBase, eps, vocabularySize } = shape;
  const b = new Builder();
  const io = dtype === 'fp16' ? types.float16 : types.float32;
  const toFloat = (name) => (dtype === 'fp16' ? b.op('Cast', [name], { to: types.float32 }) : name);
  const output = (name, from) =>
    b.op(dtype === 'fp16' ? 'Cast' : 'Identity', [from], dtype === 'fp16' ? { to: io } : {}, [
      name,
    ]);

  /** x times the weights of a tensor. */
  const linear = (x, name, split = false) => {
    const {
      shape: [columns, rows],
      data,
    } = tensors.get(name);
    const ordered = split ? splitPairs(data, rows, columns, headSize) : data;
    if (dtype !== 'q8') {
      return b.op('MatMul', [x, b.constant([columns, rows], transpose(ordered, rows, columns))]);
    }
    const { scales, numbers } = quantizeRows(ordered, rows, columns);
    const transposed = Int8Array.from(transpose(Float32Array.from(numbers), rows, columns));
    const inputs = [b.constant([columns, rows], transposed), b.constant([rows], scales)];
    return b.op('MatMul', [x, b.op('DequantizeLinear', inputs, { axis: 1 })]);
  };

  const epsilon = b.float(eps);
  const norm = (x, name) => {
    const { data } = tensors.get(name);
    const mean = b.op('ReduceMean', [b.op('Mul', [x, x])], { axes: [-1], keepdims: 1 });
    const size = b.op('Sqrt', [b.op('Add', [mean, epsilon])]);
    return b.op('Mul', [b.op('Div', [x, size]), b.constant([data.length], data)]);
  };

  const angles = Float64Array.from({ length: (context * headSize) / 2 }, (_, index) => {
    const pair = index % (headSize / 2);
    return ((index - pair) / (headSize / 2)) * ropeBase ** ((-2 * pair) / headSize);
  });
  const table = (turn) => {
    const rows = b.constant([context, headSize / 2], Float32Array.from(angles, turn));
    return b.op('Unsqueeze', [b.op('Gather', [rows, 'position_ids']), b.ints(1)]);
  };
  const [cos, sin] = [table(Math.cos), table(Math.sin)];
  const rotate = (x) => {
    const [left, right] = b.op('Split', [x], { axis: -1 }, [`${x}_left`, `${x}_right`]);
    const first = b.op('Sub', [b.op('Mul', [left, cos]), b.op('Mul', [right, sin])]);
    const second = b.op('Add', [b.op('Mul', [left, sin]), b.op('Mul', [right, cos])]);
    return b.op('Concat', [first, second], { axis: -1 });
  };

  // Causal attention, combined with the attention mask.
  const total = b.op('Gather', [b.op('Shape', ['attention_mask']), b.int(1)]);
  const own = b.op('Gather', [b.op('Shape', ['input_ids']), b.int(1)]);
  const keys = b.op('Range', [b.int(0), total, b.int(1)]);
  const queries = b.op('Range', [b.op('Sub', [total, own]), total, b.int(1)]);
  const positions = b.op('Unsqueeze', [queries, b.ints(1)]);
  const upTo = b.op('LessOrEqual', [keys, positions]);
  const since = b.op('Sub', [positions, b.int(window)]);
  const before = window === 0 ? upTo : b.op('And', [upTo, b.op('Greater', [keys, since])]);
  const given = b.op('Cast', ['attention_mask'], { to: types.bool });
  const visible = b.op('And', [before, b.op('Unsqueeze', [given, b.ints(1, 2)])]);
  const mask = b.op('Where', [visible, b.float(0), b.float(-1e9)]);

  const split = (x, count) => {
    const apart = b.op('Reshape', [x, b.ints(0, 0, count, headSize)]);
    return b.op('Transpose', [apart], { perm: [0, 2, 1, 3] });
  };
  /** Repeats KV heads for grouped-query attention. */
  const repeat = (x) => {
    if (heads === headsKV) return x;
    const apart = b.op('Unsqueeze', [x, b.ints(2)]);
    const copies = b.op('Concat', Array(heads / headsKV).fill(apart), { axis: 2 });
    return b.op('Reshape', [copies, b.ints(0, heads, -1, headSize)]);
  };

  const states = [];
  const kept = (name, x) => {
    if (!past) return x;
    const all = b.op('Concat', [toFloat(`past_key_values.${name}`), x], { axis: 2 });
    // With a window, the cache keeps only the tokens in it.
    const slice = () => b.op('Slice', [all, b.ints(-window), b.ints(2 ** 31), b.ints(2)]);
    output(`present.${name}`, window === 0 ? all : slice());
    states.push(name);
    return all;
  };

  const attention = (x, layer) => {
    const weight = (name) => `blk.${layer}.attn_${name}.weight`;
    const q = rotate(split(linear(x, weight('q'), true), heads));
    const k = kept(`${layer}.key`, rotate(split(linear(x, weight('k'), true), headsKV)));
    const v = kept(`${layer}.value`, split(linear(x, weight('v')), headsKV));
    const transposed = b.op('Transpose', [repeat(k)], { perm: [0, 1, 3, 2] });
    const scaled = b.op('Mul', [b.op('MatMul', [q, transposed]), b.float(headSize ** -0.5)]);
    const weights = b.op('Softmax', [b.op('Add', [scaled, mask])], { axis: -1 });
    const mixed = b.op('Transpose', [b.op('MatMul', [weights, repeat(v)])], { perm: [0, 2, 1, 3] });
    return linear(b.op('Reshape', [mixed, b.ints(0, 0, heads * headSize)]), weight('output'));
  };

  const feedForward = (x, layer) => {
    const gate = linear(x, `blk.${layer}.ffn_gate.weight`);
    const open = b.op('Mul', [gate, b.op('Sigmoid', [gate])]);
    const up = linear(x, `blk.${layer}.ffn_up.weight`);
    return linear(b.op('Mul', [open, up]), `blk.${layer}.ffn_down.weight`);
  };

  const embedding = tensors.get('token_embd.weight');
  const rows = b.constant(embedding.shape.slice().reverse(), embedding.data);
  let x = b.op('Gather', [rows, 'input_ids']);
  for (let layer = 0; layer < layers; layer++) {
    x = b.op('Add', [x, attention(norm(x, `blk.${layer}.attn_norm.weight`), layer)]);
    x = b.op('Add', [x, feedForward(norm(x, `blk.${layer}.ffn_norm.weight`), layer)]);
  }
  const memory = `conv.${layers}`;
  if (recurrent) {
    const added = b.op('Gather', [rows, 'input_ids']);
    let sums = b.op('CumSum', [added, b.int(1)]);
    if (past) {
      const before = b.op('Unsqueeze', [`past_${memory}`, b.ints(1)]);
      sums = b.op('Add', [sums, before]);
      b.op(
        'ReduceSum',
        [b.op('Concat', [before, added], { axis: 1 }), b.ints(1)],
        { keepdims: 0 },
        [`present_${memory}`],
      );
    }
    x = b.op('Add', [x, sums]);
  }
  const head = tensors.has('output.weight') ? 'output.weight' : 'token_embd.weight';
  output('logits', linear(norm(x, 'output_norm.weight'), head));

  const ids = (name, length) => value(name, types.int64, ['batch_size', length]);
  const cache = (prefix, length) =>
    states.map((name) => value(`${prefix}.${name}`, io, ['batch_size', headsKV, length, headSize]));
  const state = (prefix) =>
    recurrent && past
      ? [value(`${prefix}_${memory}`, types.float32, ['batch_size', embedding.shape[0]])]
      : [];
  return encodeModel({
    name: 'llama',
    node: b.nodes,
    initializer: b.constants,
    input: [
      ids('input_ids', 'sequence_length'),
      ids('attention_mask', 'total_sequence_length'),
      ids('position_ids', 'sequence_length'),
      ...cache('past_key_values', 'past_sequence_length'),
      ...state('past'),
    ],
    output: [
      value('logits', io, ['batch_size', 'sequence_length', vocabularySize]),
      ...cache('present', 'total_sequence_length'),
      ...state('present'),
    ],
  });
}
