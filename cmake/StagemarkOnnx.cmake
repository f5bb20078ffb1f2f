# Debian 12's package calls its target onnx, Debian 13's ONNX::onnx. Both are full of absolute paths, which must not get
# into an export: what uses ONNX links this target.
if(NOT TARGET stagemark::onnx_library)
  add_library(stagemark::onnx_library INTERFACE IMPORTED)
  if(TARGET ONNX::onnx)
    target_link_libraries(stagemark::onnx_library INTERFACE ONNX::onnx)
  else()
    target_link_libraries(stagemark::onnx_library INTERFACE onnx)
  endif()
endif()
