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

# sluice_add_runtime_tool(name [CPU_ONLY] SOURCES a.cpp ... [LIBS lib ...])
# A command of the runtime half: with the CUDA backend where there is a toolkit (not for
# CPU_ONLY), and as one file that can be carried to another machine.
function(sluice_add_runtime_tool name)
  cmake_parse_arguments(arg "CPU_ONLY" "" "SOURCES;LIBS" ${ARGN})
  find_package(CLI11 REQUIRED)
  add_executable(${name} ${arg_SOURCES} ${CMAKE_SOURCE_DIR}/tools/support/backend_choice.cpp)
  target_link_libraries(${name} PRIVATE ${arg_LIBS} sluice_tool_runtime sluice_tool_support
                                        sluice_decode sluice_backend_sim sluice_backend sluice_io
                                        sluice_core CLI11::CLI11)
  if(SLUICE_HAVE_CUDA AND NOT arg_CPU_ONLY)
    target_link_libraries(${name} PRIVATE sluice_backend_cuda)
    target_compile_definitions(${name} PRIVATE SLUICE_HAVE_CUDA)
  endif()
  if(NOT SLUICE_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_link_options(${name} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
endfunction()
