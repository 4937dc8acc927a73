// Changes a GGUF file in one to three places: its metadata, its tensors' types, shapes, names and data, its
// bits, its length. The generator determines the changes, which come back as text.
import { blocks, bytesOf, sizes, writeGguf } from './gguf.mjs';

const integers = [
  0,
  1,
  2,
  3,
  7,
  64,
  255,
  256,
  4095,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  -1,
  -2,
];
const floats = [0, 1, -1, -1e-6, 1e-30, 1e30, Number.NaN, Infinity, -Infinity, 0.5, 10_000];

function numberBytes(type, value) {
  const bytes = Buffer.alloc(sizes[type]);
  if (type === 6) bytes.writeFloatLE(value);
  else if (type === 12) bytes.writeDoubleLE(value);
  else {
    const integer = BigInt(Number.isFinite(value) ? Math.trunc(value) : 0);
    for (let i = 0; i < bytes.length; i++) bytes[i] = Number((integer >> BigInt(8 * i)) & 255n);
  }
  return bytes;
}

const isFloat = (type) => type === 6 || type === 12;

/** Another value of a number, sometimes near its own. */
function changedNumber(random, type, bytes) {
  if (isFloat(type) || bytes.length > 4 || bytes.length === 1) {
    return numberBytes(type, random.pick(isFloat(type) ? floats : integers));
  }
  const own = bytes.length === 4 ? bytes.readUInt32LE() : bytes.readUInt16LE();
  const near = [own + 1, own - 1, own * 2, Math.floor(own / 2), own + 32];
  return numberBytes(type, random.pick(random.chance(0.5) ? near : integers));
}

function changeList(random, value) {
  const items = value.bytes.readUInt32LE(0);
  const size = sizes[items] ?? 0;
  const count = Number(value.bytes.readBigUInt64LE(4));
  if (size === 0 || count === 0) {
    value.bytes.writeBigUInt64LE(BigInt(random.pick([0, count + 1, 2 ** 40])), 4);
    return 'length of a list of texts';
  }
  if (random.chance(0.6)) {
    const at = 12 + random.below(count) * size;
    const item = value.bytes.subarray(at, at + size);
    changedNumber(random, items, item).copy(item);
    return 'an item';
  }
  const shorter = random.below(count);
  value.bytes = value.bytes.subarray(0, 12 + shorter * size);
  value.bytes.writeBigUInt64LE(BigInt(shorter), 4);
  return `length ${shorter}`;
}

function changeValue(random, file) {
  const own = file.values.filter(({ key }) => !key.startsWith('general.'));
  const value = random.pick(random.chance(0.9) && own.length > 0 ? own : file.values);
  if (value === undefined) return 'nothing';
  if (value.type === 9) return `${value.key}: ${changeList(random, value)}`;
  if (value.type === 8) {
    const length = value.bytes.length - 8;
    const text = random.pick([random.bytes(length), Buffer.from('x'), Buffer.alloc(0)]);
    const size = Buffer.from(BigUint64Array.of(BigInt(text.length)).buffer);
    value.bytes = Buffer.concat([size, text]);
    return `${value.key}: another text`;
  }
  value.bytes = changedNumber(random, value.type, value.bytes);
  return `${value.key} = 0x${value.bytes.toString('hex')}`;
}

function dropValue(random, file) {
  const [dropped] = file.values.splice(random.below(file.values.length), 1);
  return `no ${dropped?.key}`;
}

/** A key of another model, for this architecture. */
function addValue(random, file, others) {
  const name = file.values.find(({ key }) => key === 'general.architecture');
  const architecture = name?.bytes.toString('utf8', 8) ?? '';
  const other = random.pick(random.pick(others).values);
  const key = other.key.replace(/^(?!general|tokenizer)[^.]+/, architecture);
  const value = { ...other, key, bytes: Buffer.from(other.bytes) };
  file.values = [...file.values.filter((each) => each.key !== key), value];
  if (sizes[value.type] > 0 && random.chance(0.5)) {
    value.bytes = changedNumber(random, value.type, value.bytes);
  }
  return `with ${key}`;
}

function changeType(random, file) {
  const tensor = random.pick(file.tensors);
  const before = tensor.type;
  tensor.type = random.chance(0.95) ? random.pick([...blocks.keys()]) : random.below(50);
  const bytes = bytesOf(tensor.shape, tensor.type);
  const data = Buffer.alloc(bytes);
  if (tensor.data.length > 0)
    for (let i = 0; i < bytes; i++) data[i] = tensor.data[i % tensor.data.length];
  tensor.data = data;
  return `${tensor.name}: type ${before} to ${tensor.type}`;
}

function changeShape(random, file) {
  const tensor = random.pick(file.tensors);
  const before = [...tensor.shape];
  const at = random.below(tensor.shape.length);
  const size = tensor.shape[at];
  const ways = {
    size: () => {
      tensor.shape[at] = random.pick([
        0,
        1,
        size * 2,
        Math.floor(size / 2),
        size + 1,
        2 ** 31,
        2 ** 40,
      ]);
    },
    order: () => tensor.shape.reverse(),
    more: () => tensor.shape.push(random.pick([1, 2])),
    fewer: () => tensor.shape.pop(),
  };
  ways[random.pick(Object.keys(ways))]();
  tensor.shape = tensor.shape.slice(0, 4);
  const bytes = bytesOf(tensor.shape, tensor.type);
  if (bytes > tensor.data.length && bytes < 2 ** 24) {
    tensor.data = Buffer.concat([tensor.data, Buffer.alloc(bytes - tensor.data.length)]);
  }
  return `${tensor.name}: shape ${before.join('×')} to ${tensor.shape.join('×')}`;
}

function dropTensor(random, file) {
  const [dropped] = file.tensors.splice(random.below(file.tensors.length), 1);
  return `no ${dropped?.name}`;
}

function renameTensor(random, file, others) {
  const tensor = random.pick(file.tensors);
  const before = tensor.name;
  const other = random.pick(random.chance(0.5) ? file.tensors : random.pick(others).tensors);
  tensor.name = other.name;
  return `${before} as ${tensor.name}`;
}

/** A tensor of another model, which may be optional in this one. */
function addTensor(random, file, others) {
  const { name, shape, type, data } = random.pick(random.pick(others).tensors);
  if (file.tensors.some((tensor) => tensor.name === name)) return 'nothing';
  file.tensors.push({ name, shape: [...shape], type, data });
  return `with ${name}`;
}

function changeData(random, file) {
  const tensor = random.pick(file.tensors);
  const data = Buffer.from(tensor.data);
  const fillings = {
    zero: [0],
    ones: [255],
    infinite: [0, 0, 128, 127],
    largest: [255, 255, 127, 127],
    small: [1, 0, 0, 0],
  };
  const name = random.pick([...Object.keys(fillings), 'random']);
  for (let i = 0; i < data.length; i++) {
    data[i] = name === 'random' ? random.below(256) : fillings[name][i % fillings[name].length];
  }
  tensor.data = data;
  return `${tensor.name}: ${name} data`;
}

function shiftTensor(random, file) {
  const tensor = random.pick(file.tensors);
  tensor.shift = random.pick([32, -32, 1, 2 ** 20, 2 ** 33]);
  return `${tensor.name}: offset + ${tensor.shift}`;
}

const changes = [
  ...Array(6).fill(changeValue),
  ...Array(3).fill(changeType),
  ...Array(2).fill(changeShape),
  ...Array(2).fill(addValue),
  ...Array(2).fill(addTensor),
  ...[dropValue, dropTensor, dropTensor, renameTensor, changeData, shiftTensor],
];

function changeBits(random, { bytes, start }) {
  const end = random.chance(0.8) ? start : bytes.length;
  const count = 1 + random.below(4);
  for (let i = 0; i < count; i++) bytes[random.below(end)] ^= 1 << random.below(8);
  return `${count} bits of the first ${end} bytes`;
}

/** A deep copy, so that a model serves many cases. */
const copy = ({ version, values, tensors }) => ({
  version,
  values: values.map((value) => ({ ...value, bytes: Buffer.from(value.bytes) })),
  tensors: tensors.map((tensor) => ({ ...tensor, shape: [...tensor.shape] })),
});

/** The bytes of a changed file, and its changes. `others` are models to take parts of. */
export function mutateModel(random, model, others) {
  const file = copy(model);
  const done = [];
  const form = random.below(10);
  const count = form === 0 ? 0 : 1 + random.below(3);
  for (let i = 0; i < count && file.tensors.length > 1 && file.values.length > 1; i++) {
    done.push(random.pick(changes)(random, file, others));
  }
  // A negative offset is written as the 64-bit number that it wraps to.
  for (const tensor of file.tensors) if (tensor.shift < 0) tensor.shift = 0;
  const written = writeGguf(file);
  if (form === 0) done.push(changeBits(random, written));
  if (form !== 1) return { bytes: written.bytes, changes: done };
  const length = random.below(written.bytes.length);
  return {
    bytes: written.bytes.subarray(0, length),
    changes: [...done, `the first ${length} bytes`],
  };
}
