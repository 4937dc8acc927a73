// See kernel_types.h. The rules are those of ggml/src/ggml-cpu: ops.cpp, binary-ops.cpp, unary-ops.cpp and
// ggml-cpu.c. An operation that is not mentioned computes F32.

#include "engine/model/kernel_types.h"

#include <cstring>

#include "ggml-cpu.h"

namespace autocog {

namespace {

bool IsFloat(ggml_type type) { return type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16; }

bool IsHalf(ggml_type type) { return type == GGML_TYPE_F16 || type == GGML_TYPE_BF16; }

bool IsIndex(ggml_type type) { return type == GGML_TYPE_I32 || type == GGML_TYPE_I64; }

bool CanDequantize(ggml_type type) {
  return ggml_is_quantized(type) && ggml_get_type_traits(type)->to_float != nullptr;
}

// Types whose rows can be looked up.
bool HasRows(ggml_type type) { return IsFloat(type) || type == GGML_TYPE_I32 || CanDequantize(type); }

// Types that can be multiplied with activations, which are converted to the type's counterpart.
bool CanMultiply(ggml_type type) {
  const ggml_type_traits_cpu* traits = ggml_get_type_traits_cpu(type);
  if (traits->vec_dot == nullptr) return false;
  const ggml_type other = traits->vec_dot_type;
  return other == GGML_TYPE_F32 || ggml_get_type_traits_cpu(other)->from_float != nullptr;
}

int UnsupportedFactor(const ggml_tensor* node) {
  const ggml_type weight = node->src[0]->type;
  const ggml_type activation = node->src[1]->type;
  if (!CanMultiply(weight)) return 0;
  const bool converted = activation == GGML_TYPE_F32 || activation == ggml_get_type_traits_cpu(weight)->vec_dot_type;
  // The Hadamard kernel reads F16 as well; no weight gets there.
  return converted || (node->op == GGML_OP_MUL_MAT && IsFloat(activation) && weight == GGML_TYPE_F32) ? -1 : 1;
}

// add, sub, mul, div: equal floats, or a float of two bytes with an F32 one.
int UnsupportedOperand(const ggml_tensor* node) {
  const ggml_type a = node->src[0]->type;
  const ggml_type b = node->src[1]->type;
  if (!IsFloat(a)) return 0;
  if (!IsFloat(b)) return 1;
  const bool same = a == b && node->type == a;
  const bool mixed = IsHalf(a) && b == GGML_TYPE_F32 && (node->type == a || node->type == GGML_TYPE_F32);
  return same || mixed ? -1 : b == GGML_TYPE_F32 ? 0 : 1;
}

bool CanCopy(ggml_type from, ggml_type to) {
  if (from == to) return true;
  if (from == GGML_TYPE_I32) return to == GGML_TYPE_F32;
  if (!IsFloat(from)) return to == GGML_TYPE_F32 && CanDequantize(from);
  if (IsFloat(to)) return true;
  if (to == GGML_TYPE_I32) return from == GGML_TYPE_F32;
  return ggml_get_type_traits_cpu(to)->from_float != nullptr;
}

bool CanRepeat(ggml_type type) { return IsFloat(type) || type == GGML_TYPE_I16 || type == GGML_TYPE_I32; }

// Every source is F32, the indices among them excepted, and the keys and values of attention.
int UnsupportedInput(const ggml_tensor* node) {
  for (int i = 0; i < GGML_MAX_SRC; ++i) {
    if (node->src[i] == nullptr) continue;
    const ggml_type type = node->src[i]->type;
    if (type != GGML_TYPE_F32 && !IsIndex(type)) return i;
  }
  return -1;
}

}  // namespace

int UnsupportedSource(const ggml_tensor* node) {
  const ggml_tensor* first = node->src[0];
  switch (node->op) {
    case GGML_OP_NONE:
    case GGML_OP_RESHAPE:
    case GGML_OP_VIEW:
    case GGML_OP_PERMUTE:
    case GGML_OP_TRANSPOSE:
      return -1;
    case GGML_OP_MUL_MAT:
    case GGML_OP_MUL_MAT_ID:
      return UnsupportedFactor(node);
    case GGML_OP_ADD:
    case GGML_OP_SUB:
    case GGML_OP_MUL:
    case GGML_OP_DIV:
      return UnsupportedOperand(node);
    case GGML_OP_GET_ROWS:
      return HasRows(first->type) ? -1 : 0;
    case GGML_OP_CPY:
    case GGML_OP_CONT:
    case GGML_OP_DUP:
      return CanCopy(first->type, node->type) ? -1 : 0;
    case GGML_OP_REPEAT:
      return CanRepeat(first->type) ? -1 : 0;
    case GGML_OP_CONCAT:
      if (!CanRepeat(first->type)) return 0;
      return node->src[1]->type == first->type ? -1 : 1;
    case GGML_OP_IM2COL:
      // Only the shape of the first source counts.
      return node->src[1]->type == GGML_TYPE_F32 ? -1 : 1;
    case GGML_OP_SQR:
    case GGML_OP_SQRT:
    case GGML_OP_LOG:
    case GGML_OP_SIN:
    case GGML_OP_COS:
    case GGML_OP_UNARY:
    case GGML_OP_CLAMP:
    case GGML_OP_ROPE:
      return first->type == GGML_TYPE_F32 || first->type == GGML_TYPE_F16 ? -1 : 0;
    default:
      return UnsupportedInput(node);
  }
}

bool HasBadEpsilon(const ggml_tensor* node) {
  if (node->op != GGML_OP_NORM && node->op != GGML_OP_RMS_NORM && node->op != GGML_OP_L2_NORM) return false;
  float epsilon;
  std::memcpy(&epsilon, node->op_params, sizeof epsilon);
  return !(epsilon >= 0.0f);
}

}  // namespace autocog
