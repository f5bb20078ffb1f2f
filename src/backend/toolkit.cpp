#include "stagemark/backend/toolkit.hpp"

#include <stdexcept>

namespace stagemark {

OpenedApproach open_approach(const Toolkit& toolkit, const ApproachRequest& request) {
  if (!toolkit.image_source) throw std::invalid_argument("the toolkit has no image source");
  BackendRequest complete;
  static_cast<ApproachRequest&>(complete) = request;
  complete.approach = toolkit.registry.resolve(request.approach, std::nullopt);
  if (toolkit.preprocessor) complete.preprocessor = toolkit.preprocessor(request.preprocessing);
  return {complete.approach, toolkit.registry.open(complete), toolkit.image_source(request.image_source)};
}

}  // namespace stagemark
