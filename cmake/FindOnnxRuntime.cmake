# Finds ONNX Runtime: a distribution's package, or an archive from its releases unpacked in OnnxRuntime_ROOT. The CMake
# package in those archives has named files that are not there, so that this module looks for itself.
#
# Sets OnnxRuntime_FOUND and OnnxRuntime_VERSION, and makes the target OnnxRuntime::OnnxRuntime.
find_path(OnnxRuntime_INCLUDE_DIR onnxruntime_cxx_api.h
  PATH_SUFFIXES include include/onnxruntime include/onnxruntime/core/session onnxruntime onnxruntime/core/session)
find_library(OnnxRuntime_LIBRARY onnxruntime)
mark_as_advanced(OnnxRuntime_INCLUDE_DIR OnnxRuntime_LIBRARY)

if(EXISTS "${OnnxRuntime_INCLUDE_DIR}/onnxruntime_c_api.h")
  # The interface's number is the minor version.
  file(STRINGS "${OnnxRuntime_INCLUDE_DIR}/onnxruntime_c_api.h" _line REGEX "^#define ORT_API_VERSION [0-9]+" LIMIT_COUNT 1)
  if(_line MATCHES "([0-9]+)$")
    set(OnnxRuntime_VERSION "1.${CMAKE_MATCH_1}")
  endif()
  unset(_line)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OnnxRuntime REQUIRED_VARS OnnxRuntime_LIBRARY OnnxRuntime_INCLUDE_DIR
  VERSION_VAR OnnxRuntime_VERSION
  REASON_FAILURE_MESSAGE "install libonnxruntime-dev, or set OnnxRuntime_ROOT to an archive of its releases")
if(OnnxRuntime_FOUND AND NOT TARGET OnnxRuntime::OnnxRuntime)
  add_library(OnnxRuntime::OnnxRuntime SHARED IMPORTED)
  set_target_properties(OnnxRuntime::OnnxRuntime PROPERTIES
    IMPORTED_LOCATION "${OnnxRuntime_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${OnnxRuntime_INCLUDE_DIR}")
endif()
