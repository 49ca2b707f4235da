# Language level, warnings, sanitizers and caching: what every target shares.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()
# Optimised, with line numbers only: full debug information triples build time and size.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
if(SLUICE_SANITIZE)
  # What -O2 would win in the tests it loses in the build. In the tools' own sources, and in
  # those of the tests, that holds for -O1 too.
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")
  set(SLUICE_SELDOM_RUN -O0) # for what runs for milliseconds
endif()

# What nothing calls is left out of the tools: a runtime is to be small enough to carry.
add_compile_options($<$<COMPILE_LANGUAGE:C,CXX>:-ffunction-sections> $<$<COMPILE_LANGUAGE:C,CXX>:-fdata-sections>)
add_link_options(-Wl,--gc-sections)

# Binaries of sanitizer builds are large: LLVM's linker takes a sixth of the time for them.
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  include(CheckLinkerFlag)
  check_linker_flag(CXX -fuse-ld=lld SLUICE_HAVE_LLD)
  if(SLUICE_HAVE_LLD)
    add_link_options(-fuse-ld=lld)
  endif()
endif()

# A fused multiply-add is used where the source says std::fma and nowhere else:
# the portable kernels promise the same bits on CPU and GPU.
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off>)
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wall> $<$<COMPILE_LANGUAGE:CXX>:-Wextra>
                    $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
include_directories(${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})

find_program(SLUICE_CCACHE ccache)
if(SLUICE_CCACHE)
  # What ccache's manual asks for where headers are precompiled, and paths that let
  # several build folders and clones share the cache.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${SLUICE_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${launcher})
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
  else()
    add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
  endif()
endif()

if(SLUICE_SANITIZE STREQUAL "address")
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fsanitize=address,undefined> $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize-recover=all>
                      $<$<COMPILE_LANGUAGE:CXX>:-fno-omit-frame-pointer>)
  add_link_options(-fsanitize=address,undefined)
elseif(SLUICE_SANITIZE STREQUAL "thread")
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fsanitize=thread>)
  add_link_options(-fsanitize=thread)
elseif(NOT SLUICE_SANITIZE STREQUAL "")
  message(FATAL_ERROR "SLUICE_SANITIZE is '${SLUICE_SANITIZE}': expected empty, 'address' or 'thread'")
endif()

if(SLUICE_BUILD_FUZZERS)
  # Coverage of what is fuzzed: without it libFuzzer only sees its target's file. Kernels,
  # tools and tests go without: it takes a fifth of their time.
  set(SLUICE_COVERAGE -fsanitize=fuzzer-no-link)
endif()
