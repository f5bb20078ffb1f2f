include(CMakePackageConfigHelpers)
get_property(components GLOBAL PROPERTY STAGEMARK_COMPONENTS)
set(stagemark_components "${components}")
get_property(stagemark_component_graph GLOBAL PROPERTY STAGEMARK_COMPONENT_GRAPH)
set(destination "${CMAKE_INSTALL_LIBDIR}/cmake/stagemark")
configure_package_config_file(cmake/stagemark-config.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/stagemark-config.cmake"
  INSTALL_DESTINATION "${destination}")
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/stagemark-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/stagemark-config.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/stagemark-config-version.cmake" cmake/StagemarkTorch.cmake cmake/StagemarkOnnx.cmake
  cmake/FindOnnxRuntime.cmake
  DESTINATION "${destination}")
