# Our warnings and sanitizers, on our own targets only: never on a dependency, never on a parent project.
add_library(stagemark_build_flags INTERFACE)
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  target_compile_options(stagemark_build_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion
    -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual -Woverloaded-virtual -Wnull-dereference
    $<$<BOOL:${STAGEMARK_WARNINGS_AS_ERRORS}>:-Werror>)
  # Where several files are one, a name of one of them may hide another's.
  if(NOT CMAKE_UNITY_BUILD)
    target_compile_options(stagemark_build_flags INTERFACE -Wshadow)
  endif()
  # GCC 12 takes string concatenation for overlapping copies (its bug 105651).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(stagemark_build_flags INTERFACE -Wno-restrict)
  endif()
  # GCC 14 sees null pointers in LibTorch's headers, depending on what is inlined. Ours are looked for by GCC 12.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
    target_compile_options(stagemark_build_flags INTERFACE -Wno-null-dereference)
  endif()
  if(STAGEMARK_SANITIZE)
    target_compile_options(stagemark_build_flags INTERFACE -fsanitize=${STAGEMARK_SANITIZE} -fno-sanitize-recover=all
      -fno-omit-frame-pointer)
    target_link_options(stagemark_build_flags INTERFACE -fsanitize=${STAGEMARK_SANITIZE})
  endif()
endif()

# stagemark_component(NAME [HEADERS ...] [SOURCES ...] [PUBLIC target ...] [PRIVATE target ...] [PACKAGES code])
# A library target stagemark_NAME, known to consumers as stagemark::NAME and to find_package as the component NAME;
# without SOURCES it is headers and what it links.
# HEADERS are relative to include/, SOURCES to the current directory. PACKAGES is what the package's configuration runs
# to find what the component links outside of this project. Which component needs which is read off PUBLIC and PRIVATE:
# the installed configuration and the files for pkg-config are written from it.
function(stagemark_component name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PACKAGES" "HEADERS;SOURCES;PUBLIC;PRIVATE")
  set(target stagemark_${name})
  if(arg_SOURCES)
    set(kind STATIC)
    set(public PUBLIC)
  else()
    set(kind INTERFACE)
    set(public INTERFACE)
  endif()
  add_library(${target} ${kind} ${arg_SOURCES})
  add_library(stagemark::${name} ALIAS ${target})
  list(TRANSFORM arg_HEADERS PREPEND "${stagemark_SOURCE_DIR}/include/")
  target_sources(${target} ${public} FILE_SET HEADERS BASE_DIRS "${stagemark_SOURCE_DIR}/include" FILES ${arg_HEADERS})
  target_compile_features(${target} ${public} cxx_std_20)
  target_link_libraries(${target} ${public} ${arg_PUBLIC})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} VERIFY_INTERFACE_HEADER_SETS ON)
  if(arg_SOURCES)
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
    target_include_directories(${target} PRIVATE "${stagemark_SOURCE_DIR}/src")
    target_link_libraries(${target} PRIVATE ${arg_PRIVATE} $<BUILD_INTERFACE:stagemark_build_flags>)
  endif()
  set(needs ${arg_PUBLIC} ${arg_PRIVATE})
  list(FILTER needs INCLUDE REGEX "^stagemark_")
  list(TRANSFORM needs REPLACE "^stagemark_" "")
  set_property(GLOBAL APPEND PROPERTY STAGEMARK_COMPONENTS ${name})
  # Headers alone and the C library are there without a package.
  set(foreign ${arg_PUBLIC} ${arg_PRIVATE})
  list(FILTER foreign EXCLUDE REGEX "^(stagemark_.*|dl|.<BUILD_INTERFACE:.*)$")
  get_property(self_contained GLOBAL PROPERTY STAGEMARK_SELF_CONTAINED)
  set(others ${needs})
  list(REMOVE_ITEM others ${self_contained} "")
  if(arg_SOURCES AND NOT foreign AND NOT others)
    set_property(GLOBAL APPEND PROPERTY STAGEMARK_SELF_CONTAINED ${name})
  endif()
  set_property(GLOBAL APPEND_STRING PROPERTY STAGEMARK_COMPONENT_GRAPH
    "set(_stagemark_needs_${name} ${needs})\nmacro(_stagemark_find_${name})\n  ${arg_PACKAGES}\nendmacro()\n")
  if(STAGEMARK_INSTALL)
    install(TARGETS ${target} EXPORT stagemark-${name} ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
      FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
    install(EXPORT stagemark-${name} NAMESPACE stagemark:: FILE stagemark-${name}.cmake
      DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/stagemark")
  endif()
endfunction()
