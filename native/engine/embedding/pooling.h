// Pooling of token vectors into one vector per text, and the model properties that it depends on: the
// default pooling type and the head for ranking or classification. Used by Embedder.

#ifndef AUTOCOG_ENGINE_EMBEDDING_POOLING_H_
#define AUTOCOG_ENGINE_EMBEDDING_POOLING_H_

#include <string>
#include <vector>

#include "engine/common/status.h"
#include "engine/model/model.h"

namespace autocog {

enum class Pooling { kNone, kMean, kCls, kLast, kRank };

// "none", "mean", "cls", "last" or "rank".
const char* PoolingName(Pooling pooling);

// The pooling with the given name. For an empty name the model's default, or mean if its file has none;
// kNotSupported if the file has an unknown type.
Result<Pooling> ChoosePooling(const Model& model, const std::string& name);

// A model's outputs for ranking or classification, with their labels if it has any.
struct ClassifierHead {
  int outputs = 0;
  std::vector<std::string> labels;
};

// kNotSupported if the model has no head, for which llama.cpp would return arbitrary values.
Result<ClassifierHead> FindClassifierHead(const Model& model);

// Pools the rows of one text at a time, in double precision, so that a text's vector does not depend on
// the other texts in its batch.
class Pooler {
 public:
  Pooler(Pooling pooling, int size) : pooling_(pooling), sum_(static_cast<size_t>(size)) {}

  // Adds the next token's row.
  void Add(const float* row);
  // Appends the text's vector (without pooling: the token's) to `values`, normalized by `norm` as in
  // Embedder::Embed(), and resets. Returns false if it is not finite.
  bool Finish(double norm, std::vector<float>* values);
  // Discards all rows and starts the next text.
  void Reset();

 private:
  Pooling pooling_;
  std::vector<double> sum_;
  int count_ = 0;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_EMBEDDING_POOLING_H_
