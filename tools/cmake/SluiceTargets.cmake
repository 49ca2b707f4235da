# Small helpers that keep the folders' CMakeLists.txt short and alike.
find_package(Threads REQUIRED)

# A library of the runtime or the kernels: no exceptions.
function(sluice_add_library name)
  add_library(${name} STATIC ${ARGN})
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>)
endfunction()

# sluice_add_gtest(name SOURCES a.cpp ... LIBS lib ... [LABELS label ...])
# A GoogleTest binary that CTest runs as one test; TEST_DATA_DIR is the tests folder.
function(sluice_add_gtest name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS;LABELS" ${ARGN})
  find_package(GTest REQUIRED)
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBS} GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE SLUICE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}")
endfunction()
