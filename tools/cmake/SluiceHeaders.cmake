# Headers from outside take most of a small source's compile time: each set here is parsed
# once for all sources that use it. Of ours only what is made from the plan's schema is in
# a set, so that a change compiles what includes it and no more. A source includes what it
# uses all the same: -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON shows what was forgotten.

# GCC reads a set whole for each source, so its sets are small; clang reads what is used.
set(common <algorithm> <cstdint> <cstring> <functional> <memory> <optional> <span> <string>
    <string_view> <vector>)
set(schema <runtime/plan/plan_generated.h>)
set(more "")
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  set(more <atomic> <charconv> <chrono> <map> <mutex> <random> <thread> <nlohmann/json.hpp>)
endif()

# sluice_precompile(name OPTIONS option ... HEADERS header ...): a set, for REUSE_FROM. A
# compiler takes it only where its options are the same.
function(sluice_precompile name)
  cmake_parse_arguments(arg "" "" "OPTIONS;HEADERS" ${ARGN})
  add_library(${name} OBJECT EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tools/cmake/headers.cpp)
  target_compile_options(${name} PRIVATE ${arg_OPTIONS})
  target_precompile_headers(${name} PRIVATE ${arg_HEADERS})
  if("${schema}" IN_LIST arg_HEADERS)
    add_dependencies(${name} sluice_plan_schema)
  endif()
endfunction()

set(library -fno-exceptions ${SLUICE_COVERAGE})
sluice_precompile(sluice_library_headers OPTIONS ${library} HEADERS ${common} ${more})
sluice_precompile(sluice_plan_headers OPTIONS ${library} HEADERS ${common} ${more} ${schema})
sluice_precompile(sluice_tool_headers OPTIONS ${SLUICE_SELDOM_RUN} HEADERS ${common} ${more})
if(SLUICE_BUILD_TESTS)
  find_package(GTest REQUIRED)
  if(more)
    list(APPEND more ${schema})
  endif()
  sluice_precompile(sluice_test_headers OPTIONS -O0 HEADERS ${common} ${more} <gtest/gtest.h>)
  # For what GoogleTest wants defined.
  target_link_libraries(sluice_test_headers PRIVATE GTest::gtest)
endif()
