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

# For builds without CMake: the components that link nothing outside of this project, what builds upon others first.
get_property(stagemark_pc_libraries GLOBAL PROPERTY STAGEMARK_SELF_CONTAINED)
list(REVERSE stagemark_pc_libraries)
list(TRANSFORM stagemark_pc_libraries PREPEND "-lstagemark_")
list(JOIN stagemark_pc_libraries " " stagemark_pc_libraries)
# Found from where the file lies, so that an install tree can be moved.
file(RELATIVE_PATH stagemark_pc_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file(cmake/stagemark.pc.in "${CMAKE_CURRENT_BINARY_DIR}/stagemark.pc" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/stagemark.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
