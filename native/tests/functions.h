// The functions of recurra.h that take rows: each has a test, which makes the arrays, says in double
// what they must hold, and calls it.
#pragma once

#include "case.h"

struct Function {
  const char* name;
  void (*test)(Case& test);
  bool multiplies;  // by a matrix: its work grows with the width's square
};

void affine_forward(Case& test);
void affine_backward(Case& test);
void mingru_forward(Case& test);
void mingru_backward(Case& test);
void rotation_forward(Case& test);
void rotation_backward(Case& test);
void minlstm_forward(Case& test);
void minlstm_backward(Case& test);
void rglru_forward(Case& test);
void rglru_backward(Case& test);
void elman_forward(Case& test);
void elman_backward(Case& test);
void gru_forward(Case& test);
void gru_backward(Case& test);
void lstm_forward(Case& test);
void lstm_backward(Case& test);
void slstm_forward(Case& test);
void slstm_backward(Case& test);
void indrnn_forward(Case& test);
void indrnn_backward(Case& test);
void pool_forward(Case& test);
void pool_backward(Case& test);
void mlstm_forward(Case& test);
void mlstm_backward(Case& test);

constexpr Function FUNCTIONS[] = {
    {"affine_forward", affine_forward, false}, {"affine_backward", affine_backward, false},
    {"mingru_forward", mingru_forward, false}, {"mingru_backward", mingru_backward, false},
    {"rotation_forward", rotation_forward, false},
    {"rotation_backward", rotation_backward, false},
    {"minlstm_forward", minlstm_forward, false},
    {"minlstm_backward", minlstm_backward, false},
    {"rglru_forward", rglru_forward, false},
    {"rglru_backward", rglru_backward, false},
    {"elman_forward", elman_forward, true},    {"elman_backward", elman_backward, true},
    {"gru_forward", gru_forward, true},        {"gru_backward", gru_backward, true},
    {"lstm_forward", lstm_forward, true},      {"lstm_backward", lstm_backward, true},
    {"slstm_forward", slstm_forward, true},    {"slstm_backward", slstm_backward, true},
    {"indrnn_forward", indrnn_forward, false}, {"indrnn_backward", indrnn_backward, false},
    {"pool_forward", pool_forward, false},     {"pool_backward", pool_backward, false},
    {"mlstm_forward", mlstm_forward, true},    {"mlstm_backward", mlstm_backward, true},
};
