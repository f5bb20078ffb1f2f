# TORCH_LIBRARIES holds absolute paths, which must not get into an export: what uses LibTorch links this target.
if(NOT TARGET stagemark::torch_runtime)
  add_library(stagemark::torch_runtime INTERFACE IMPORTED)
  target_link_libraries(stagemark::torch_runtime INTERFACE ${TORCH_LIBRARIES})
endif()
