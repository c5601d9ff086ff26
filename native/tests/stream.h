// A random stream: layers, kinds of weights, rows stepped in any order and number.
#pragma once

#include <string>
#include <vector>

#include "block.h"
#include "random.h"

std::vector<std::string> stream_complaints(Random& random, Guard guard);
