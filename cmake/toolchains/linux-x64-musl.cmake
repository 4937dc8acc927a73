# Builds for Linux with musl on x86-64 with Zig's clang (scripts/package/zig.mjs): npm run prebuild -- linux-x64-musl
# Its libc++ and its unwinder become part of the addon.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
get_filename_component(zig ${CMAKE_CURRENT_LIST_DIR}/../../build-cross/zig ABSOLUTE)
set(CMAKE_C_COMPILER ${zig}/clang)
set(CMAKE_CXX_COMPILER ${zig}/clang++)
set(CMAKE_AR ${zig}/ar)
set(CMAKE_RANLIB ${zig}/ranlib)

# Libraries and headers of the build machine are never those of the target, but Zig has no folder with them.
set(CMAKE_FIND_ROOT_PATH ${zig})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
