#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

std::string sentence(const std::string& problem, const std::string& where, const std::string& remedy) {
  std::string text = where;
  if (!text.empty()) text += ": ";
  text += problem;
  if (!remedy.empty()) text += "; " + remedy;
  return text;
}

}  // namespace

Error::Error(const std::string& problem, const std::string& where, const std::string& remedy)
    : std::runtime_error(sentence(problem, where, remedy)) {}

}  // namespace stagemark
