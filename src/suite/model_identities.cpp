#include "suite/model_identities.hpp"

#include "stagemark/core/error.hpp"

namespace stagemark {

void ModelIdentities::expect(const ModelFacts& model) {
  if (model.sha256.empty()) return;
  const std::string& first = sha256_.emplace(model.path, model.sha256).first->second;
  if (first == model.sha256) return;
  throw ModelError("was replaced during the run: its SHA-256 was " + first + " and is " + model.sha256, model.path,
                   "measure one of them at a time");
}

}  // namespace stagemark
