// What the gates make of NaN, infinities, denormal and large numbers.
#pragma once

#include <string>
#include <vector>

std::vector<std::string> special_complaints();
