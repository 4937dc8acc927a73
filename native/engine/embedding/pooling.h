// How the vectors of a text's tokens become one vector, and what of a model that is up to: its
// own way, and the head of one that ranks or classifies. The embedder uses it.

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

// The pooling of that name; for an empty one the model's own, or the mean where its file says
// nothing of it. kNotSupported where the file names one that is not known here.
Result<Pooling> ChoosePooling(const Model& model, const std::string& name);

// A model's outputs for ranking or classification, and their names if it has any.
struct ClassifierHead {
  int outputs = 0;
  std::vector<std::string> labels;
};

// kNotSupported where the model has none: llama.cpp would hand out whatever lies there.
Result<ClassifierHead> FindClassifierHead(const Model& model);

// Pools the rows of one text after another, in double precision and by itself: so that a text's
// vector does not depend on which others it was decoded with.
class Pooler {
 public:
  Pooler(Pooling pooling, int size) : pooling_(pooling), sum_(static_cast<size_t>(size)) {}

  // Takes the next token's row.
  void Add(const float* row);
  // Appends the text's vector to `values`, scaled as Embedder::Embed() says of `norm`, and begins
  // another text; without pooling, a token's vector and another token. False where it is not
  // finite.
  bool Finish(double norm, std::vector<float>* values);
  // Begins another text, whatever was added.
  void Reset();

 private:
  Pooling pooling_;
  std::vector<double> sum_;
  int count_ = 0;
};

}  // namespace autocog

#endif  // AUTOCOG_ENGINE_EMBEDDING_POOLING_H_
