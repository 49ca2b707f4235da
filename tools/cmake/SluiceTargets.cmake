# Small helpers that keep the folders' CMakeLists.txt short and alike.
find_package(Threads REQUIRED)

# sluice_add_library(name [HEADERS set] a.cpp ...)
# A library of the runtime or the kernels: no exceptions. HEADERS names another set of
# precompiled headers (SluiceHeaders.cmake), or NONE: then fuzzers do not look into it either.
function(sluice_add_library name)
  cmake_parse_arguments(arg "" "HEADERS" "" ${ARGN})
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>)
  if(NOT arg_HEADERS)
    set(arg_HEADERS sluice_library_headers)
  endif()
  if(NOT arg_HEADERS STREQUAL "NONE")
    target_compile_options(${name} PRIVATE ${SLUICE_COVERAGE})
    target_precompile_headers(${name} REUSE_FROM ${arg_HEADERS})
  endif()
endfunction()

# sluice_add_tool_library(name a.cpp ...)
# A library of the tools.
function(sluice_add_tool_library name)
  add_library(${name} STATIC ${ARGN})
  target_compile_options(${name} PRIVATE ${SLUICE_SELDOM_RUN})
  target_precompile_headers(${name} REUSE_FROM sluice_tool_headers)
endfunction()

# sluice_add_gtest(name SOURCES a.cpp ... LIBS lib ... [LABELS label ...])
# A GoogleTest binary that CTest runs as one test; TEST_DATA_DIR is the tests folder.
function(sluice_add_gtest name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS;LABELS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  # What a test's own code gains by optimisation is less than the compiler takes for it.
  target_compile_options(${name} PRIVATE -O0)
  target_precompile_headers(${name} REUSE_FROM sluice_test_headers)
  target_link_libraries(${name} PRIVATE ${arg_LIBS} GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE SLUICE_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                             $<$<BOOL:${SLUICE_SANITIZE}>:SLUICE_SANITIZED>)
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
  target_compile_options(${name} PRIVATE ${SLUICE_SELDOM_RUN})
  target_precompile_headers(${name} REUSE_FROM sluice_tool_headers)
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
