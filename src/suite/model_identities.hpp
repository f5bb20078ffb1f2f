#pragma once

#include <map>
#include <string>

#include "stagemark/backend/inference_wrapper.hpp"

namespace stagemark {

/// The models of a run: a path is one model, whichever approach opens it, and whenever.
class ModelIdentities {
 public:
  /// \throws ModelError that names both if another model was opened before under that path
  void expect(const ModelFacts& model);

 private:
  std::map<std::string, std::string> sha256_;  ///< by path
};

}  // namespace stagemark
