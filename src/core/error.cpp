#include "stagemark/core/error.hpp"

#include <utility>

namespace stagemark {
namespace {

std::string sentence(const ErrorParts& parts) {
  std::string text = parts.where;
  if (!text.empty()) text += ": ";
  text += parts.problem;
  if (!parts.remedy.empty()) text += "; " + parts.remedy;
  return text;
}

}  // namespace

Error::Error(ErrorParts parts)
    : std::runtime_error(sentence(parts)), parts_(std::make_shared<const ErrorParts>(std::move(parts))) {}

ErrorParts Error::within(const std::string& larger) const {
  return {.problem = problem(), .where = where().empty() ? larger : larger + ": " + where(), .remedy = remedy()};
}

}  // namespace stagemark
