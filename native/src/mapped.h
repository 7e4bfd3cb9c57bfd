// Memory that llama.cpp maps a model file to.
#pragma once
#include <string>

namespace omninode {

// Gives back the pages of `path` that this process has mapped; those still needed come back from the page cache when
// they are next read. llama.cpp reads the whole file while loading, also weights that it then keeps in a layout of its
// own for this processor: without this they would count twice. Does nothing but on Linux.
void drop_mapped_pages(const std::string& path);

}  // namespace omninode
