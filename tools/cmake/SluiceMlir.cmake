# Finds MLIR 22 and gives `sluice_add_dialect` and `sluice_add_mlir_library`.
# find_package wants major.minor: a plain 22 is refused by LLVM's version file.
find_package(MLIR 22.1 REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
set(MLIR_BINARY_DIR ${CMAKE_BINARY_DIR}) # add_mlir_doc writes below this folder
include(TableGen)
include(AddLLVM)
include(AddMLIR)

set(SLUICE_MLIR_LIBRARIES MLIR LLVM)
if(SLUICE_STATIC_MLIR)
  # All archives: which of them refer to which is not ours to know, and the linker leaves
  # out what nothing calls.
  file(GLOB archives CONFIGURE_DEPENDS ${LLVM_LIBRARY_DIR}/libMLIR*.a ${LLVM_LIBRARY_DIR}/libLLVM*.a)
  set(SLUICE_MLIR_LIBRARIES -Wl,--start-group ${archives} -Wl,--end-group -static-libstdc++
      -static-libgcc)
endif()

if(SLUICE_SANITIZE STREQUAL "address")
  add_library(sluice_asan_options OBJECT ${CMAKE_SOURCE_DIR}/tools/cmake/asan_options.cpp)
  list(PREPEND SLUICE_MLIR_LIBRARIES $<TARGET_OBJECTS:sluice_asan_options>)
endif()

# MLIR's headers take most of a source's compile time: they are parsed once for all.
add_library(sluice_mlir_headers OBJECT EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tools/cmake/headers.cpp)
target_include_directories(sluice_mlir_headers SYSTEM PUBLIC ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
target_compile_options(sluice_mlir_headers PRIVATE -fno-exceptions)
# As Debian's build: without it Pass::Statistic has another layout here than there.
target_compile_definitions(sluice_mlir_headers PRIVATE NDEBUG)
target_precompile_headers(sluice_mlir_headers PRIVATE
  <mlir/Dialect/Func/IR/FuncOps.h> <mlir/IR/Builders.h> <mlir/IR/BuiltinOps.h>
  <mlir/IR/DialectImplementation.h> <mlir/IR/OpImplementation.h> <mlir/IR/PatternMatch.h>
  <mlir/Pass/Pass.h>)

# A library of compiler code. Debian's build of MLIR and LLVM has run-time type information
# and no exceptions.
function(sluice_add_mlir_library name)
  add_library(${name} STATIC ${ARGN})
  # The build folder too: what TableGen writes there is not clean of warnings.
  target_include_directories(${name} SYSTEM PUBLIC ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS}
                             ${CMAKE_BINARY_DIR})
  target_compile_options(${name} PRIVATE -fno-exceptions)
  target_compile_definitions(${name} PUBLIC NDEBUG)
  target_precompile_headers(${name} REUSE_FROM sluice_mlir_headers)
  target_link_libraries(${name} PUBLIC ${SLUICE_MLIR_LIBRARIES})
endfunction()
