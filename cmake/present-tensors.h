// Included before every source file of llama.cpp (cmake/llama.cmake). Many tensors are optional in a file, and
// some only together with others, which llama.cpp does not check: a file without one of them made it follow
// a null pointer while it builds a graph. Here that is an exception with the tensor's name, which the engine
// handles like a failed assertion (native/engine/common/assertion.h).

#ifndef AUTOCOG_PRESENT_TENSORS_H_
#define AUTOCOG_PRESENT_TENSORS_H_

#include <stdexcept>
#include <string>

#include "ggml.h"

namespace autocog {

inline ggml_tensor* Present(ggml_tensor* tensor, const char* name) {
  if (tensor != nullptr) return tensor;
  throw std::runtime_error(std::string("the file has no tensor for ") + name);
}

}  // namespace autocog

#define AUTOCOG_PRESENT(tensor) autocog::Present(tensor, #tensor)

// A macro is not expanded within itself: these are ggml's own functions.
// clang-format off
#define ggml_abs(ctx, a) ggml_abs(ctx, AUTOCOG_PRESENT(a))
#define ggml_add(ctx, a, b) ggml_add(ctx, AUTOCOG_PRESENT(a), AUTOCOG_PRESENT(b))
#define ggml_add_id(ctx, a, b, c) ggml_add_id(ctx, AUTOCOG_PRESENT(a), AUTOCOG_PRESENT(b), AUTOCOG_PRESENT(c))
#define ggml_add_inplace(ctx, a, b) ggml_add_inplace(ctx, AUTOCOG_PRESENT(a), AUTOCOG_PRESENT(b))
#define ggml_cast(ctx, a, ...) ggml_cast(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_clamp(ctx, a, ...) ggml_clamp(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_concat(ctx, a, b, ...) ggml_concat(ctx, AUTOCOG_PRESENT(a), AUTOCOG_PRESENT(b), __VA_ARGS__)
#define ggml_cont(ctx, a) ggml_cont(ctx, AUTOCOG_PRESENT(a))
#define ggml_cont_1d(ctx, a, ...) ggml_cont_1d(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_cont_2d(ctx, a, ...) ggml_cont_2d(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_cont_3d(ctx, a, ...) ggml_cont_3d(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_cont_4d(ctx, a, ...) ggml_cont_4d(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_conv_1d_dw_ph(ctx, a, b, ...) ggml_conv_1d_dw_ph(ctx, AUTOCOG_PRESENT(a), AUTOCOG_PRESENT(b), __VA_ARGS__)
#define ggml_conv_1d_ph(ctx, a, b, ...) ggml_conv_1d_ph(ctx, AUTOCOG_PRESENT(a), AUTOCOG_PRESENT(b), __VA_ARGS__)
#define ggml_cpy(ctx, a, b) ggml_cpy(ctx, AUTOCOG_PRESENT(a), AUTOCOG_PRESENT(b))
#define ggml_cumsum(ctx, a) ggml_cumsum(ctx, AUTOCOG_PRESENT(a))
#define ggml_div(ctx, a, b) ggml_div(ctx, AUTOCOG_PRESENT(a), AUTOCOG_PRESENT(b))
#define ggml_exp(ctx, a) ggml_exp(ctx, AUTOCOG_PRESENT(a))
#define ggml_gelu(ctx, a) ggml_gelu(ctx, AUTOCOG_PRESENT(a))
#define ggml_get_rows(ctx, a, b) ggml_get_rows(ctx, AUTOCOG_PRESENT(a), AUTOCOG_PRESENT(b))
#define ggml_group_norm(ctx, a, ...) ggml_group_norm(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_l2_norm(ctx, a, ...) ggml_l2_norm(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_mul(ctx, a, b) ggml_mul(ctx, AUTOCOG_PRESENT(a), AUTOCOG_PRESENT(b))
#define ggml_mul_mat(ctx, a, b) ggml_mul_mat(ctx, AUTOCOG_PRESENT(a), AUTOCOG_PRESENT(b))
#define ggml_mul_mat_id(ctx, a, b, c) ggml_mul_mat_id(ctx, AUTOCOG_PRESENT(a), AUTOCOG_PRESENT(b), AUTOCOG_PRESENT(c))
#define ggml_neg(ctx, a) ggml_neg(ctx, AUTOCOG_PRESENT(a))
#define ggml_norm(ctx, a, ...) ggml_norm(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_pad(ctx, a, ...) ggml_pad(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_permute(ctx, a, ...) ggml_permute(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_relu(ctx, a) ggml_relu(ctx, AUTOCOG_PRESENT(a))
#define ggml_repeat(ctx, a, b) ggml_repeat(ctx, AUTOCOG_PRESENT(a), AUTOCOG_PRESENT(b))
#define ggml_repeat_4d(ctx, a, ...) ggml_repeat_4d(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_reshape_1d(ctx, a, ...) ggml_reshape_1d(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_reshape_2d(ctx, a, ...) ggml_reshape_2d(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_reshape_3d(ctx, a, ...) ggml_reshape_3d(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_reshape_4d(ctx, a, ...) ggml_reshape_4d(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_rms_norm(ctx, a, ...) ggml_rms_norm(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_rwkv_wkv6(ctx, k, v, r, tf, td, state) \
  ggml_rwkv_wkv6(ctx, k, v, r, AUTOCOG_PRESENT(tf), AUTOCOG_PRESENT(td), state)
#define ggml_scale(ctx, a, ...) ggml_scale(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_scale_bias(ctx, a, ...) ggml_scale_bias(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_sgn(ctx, a) ggml_sgn(ctx, AUTOCOG_PRESENT(a))
#define ggml_sigmoid(ctx, a) ggml_sigmoid(ctx, AUTOCOG_PRESENT(a))
#define ggml_silu(ctx, a) ggml_silu(ctx, AUTOCOG_PRESENT(a))
#define ggml_soft_max(ctx, a) ggml_soft_max(ctx, AUTOCOG_PRESENT(a))
#define ggml_softplus(ctx, a) ggml_softplus(ctx, AUTOCOG_PRESENT(a))
#define ggml_sqr(ctx, a) ggml_sqr(ctx, AUTOCOG_PRESENT(a))
#define ggml_sqrt(ctx, a) ggml_sqrt(ctx, AUTOCOG_PRESENT(a))
#define ggml_ssm_conv(ctx, a, b) ggml_ssm_conv(ctx, AUTOCOG_PRESENT(a), AUTOCOG_PRESENT(b))
#define ggml_sub(ctx, a, b) ggml_sub(ctx, AUTOCOG_PRESENT(a), AUTOCOG_PRESENT(b))
#define ggml_sum_rows(ctx, a) ggml_sum_rows(ctx, AUTOCOG_PRESENT(a))
#define ggml_tanh(ctx, a) ggml_tanh(ctx, AUTOCOG_PRESENT(a))
#define ggml_top_k(ctx, a, ...) ggml_top_k(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_transpose(ctx, a) ggml_transpose(ctx, AUTOCOG_PRESENT(a))
#define ggml_view_1d(ctx, a, ...) ggml_view_1d(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_view_2d(ctx, a, ...) ggml_view_2d(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_view_3d(ctx, a, ...) ggml_view_3d(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
#define ggml_view_4d(ctx, a, ...) ggml_view_4d(ctx, AUTOCOG_PRESENT(a), __VA_ARGS__)
// clang-format on

#endif  // AUTOCOG_PRESENT_TENSORS_H_
