// Nothing but the owner of the precompiled MLIR headers (SluiceMlir.cmake).
