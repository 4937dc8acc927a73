// Encodes the ONNX protobuf messages that a model needs (https://onnx.ai/onnx/repo-docs/IR.html;
// field numbers as in onnx.proto), with helpers to create them. `graph.mjs` uses it.

import protobuf from 'protobufjs';

const { root } = protobuf.parse(
  `
  syntax = "proto3";
  message Model {
    int64 ir_version = 1; string producer_name = 2; Graph graph = 7; repeated Opset opset_import = 8;
  }
  message Opset { string domain = 1; int64 version = 2; }
  message Graph {
    repeated Node node = 1; string name = 2; repeated Tensor initializer = 5;
    repeated ValueInfo input = 11; repeated ValueInfo output = 12;
  }
  message Node {
    repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4;
    repeated Attribute attribute = 5;
  }
  message Attribute {
    string name = 1; float f = 2; int64 i = 3; repeated int64 ints = 8 [packed = false]; int32 type = 20;
  }
  message Tensor {
    repeated int64 dims = 1 [packed = false]; int32 data_type = 2; string name = 8; bytes raw_data = 9;
  }
  message ValueInfo { string name = 1; Type type = 2; }
  message Type { TensorType tensor_type = 1; }
  message TensorType { int32 elem_type = 1; Shape shape = 2; }
  message Shape { repeated Dimension dim = 1; }
  message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
`,
  { keepCase: true },
);

const Model = root.lookupType('Model');

/** Element types. */
export const types = { float32: 1, int8: 3, int64: 7, bool: 9, float16: 10 };

/** A tensor with the element type of its data: Float32Array, BigInt64Array or Int8Array. */
export function tensor(name, dims, data) {
  const kinds = { Float32Array: types.float32, BigInt64Array: types.int64, Int8Array: types.int8 };
  const { buffer, byteOffset, byteLength } = data;
  const raw_data = Buffer.from(buffer, byteOffset, byteLength);
  return { name, dims, data_type: kinds[data.constructor.name], raw_data };
}

/** A graph input or output; a dimension given as a string is symbolic. */
export function value(name, elem_type, shape) {
  const dim = shape.map((size) =>
    typeof size === 'string' ? { dim_param: size } : { dim_value: size },
  );
  return { name, type: { tensor_type: { elem_type, shape: { dim } } } };
}

/** An attribute: an integer or a list of integers. */
export function attribute(name, given) {
  return Array.isArray(given) ? { name, type: 7, ints: given } : { name, type: 2, i: given };
}

/** Encodes a graph as a model. */
export function encodeModel(graph) {
  const opset_import = [{ domain: '', version: 17 }];
  const model = { ir_version: 8, producer_name: 'autocog-lm', graph, opset_import };
  return Model.encode(Model.fromObject(model)).finish();
}
