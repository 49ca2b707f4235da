// Nothing but the owner of precompiled headers (SluiceHeaders.cmake,
// SluiceMlir.cmake).
