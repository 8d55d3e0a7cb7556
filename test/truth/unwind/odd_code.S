# SPDX-License-Identifier: Apache-2.0
# Functions as people write them by hand.
        .text

# unsigned long odd_leaf_without_tables(unsigned long)
        .globl  odd_leaf_without_tables
        .type   odd_leaf_without_tables, @function
odd_leaf_without_tables:
        mov     %rdi, %rax
        shl     $3, %rax
        add     %rdi, %rax
        ret
        .size   odd_leaf_without_tables, . - odd_leaf_without_tables

# unsigned long odd_framed_without_tables(unsigned long (*)(unsigned long), unsigned long)
        .globl  odd_framed_without_tables
        .type   odd_framed_without_tables, @function
odd_framed_without_tables:
        push    %rbp
        mov     %rsp, %rbp
        sub     $32, %rsp
        mov     %rdi, %rax
        mov     %rsi, %rdi
        call    *%rax
        leave
        ret
        .size   odd_framed_without_tables, . - odd_framed_without_tables

# The same with tables, and with every callee-saved register saved far from the return address and
# overwritten, the frame address kept in rbx.
        .globl  odd_saves_everything
        .type   odd_saves_everything, @function
odd_saves_everything:
        .cfi_startproc
        mov     %rsp, %rax
        sub     $2048, %rsp
        .cfi_adjust_cfa_offset 2048
        mov     %rbx, 8(%rsp)
        .cfi_rel_offset %rbx, 8
        mov     %rbp, 16(%rsp)
        .cfi_rel_offset %rbp, 16
        mov     %r12, 24(%rsp)
        .cfi_rel_offset %r12, 24
        mov     %r13, 32(%rsp)
        .cfi_rel_offset %r13, 32
        mov     %r14, 40(%rsp)
        .cfi_rel_offset %r14, 40
        mov     %r15, 48(%rsp)
        .cfi_rel_offset %r15, 48
        mov     %rax, %rbx
        .cfi_def_cfa %rbx, 8
        xor     %ebp, %ebp
        mov     $-1, %r12
        mov     $7, %r13
        mov     $9, %r14
        mov     %rsp, %r15
        mov     %rdi, %rax
        mov     %rsi, %rdi
        and     $-64, %rsp
        call    *%rax
        mov     %r15, %rsp
        .cfi_remember_state
        .cfi_def_cfa %rsp, 2056
        mov     16(%rsp), %rbp
        .cfi_restore %rbp
        mov     24(%rsp), %r12
        .cfi_restore %r12
        mov     32(%rsp), %r13
        .cfi_restore %r13
        mov     40(%rsp), %r14
        .cfi_restore %r14
        mov     48(%rsp), %r15
        .cfi_restore %r15
        mov     8(%rsp), %rbx
        .cfi_restore %rbx
        add     $2048, %rsp
        .cfi_def_cfa_offset 8
        ret
        .cfi_endproc
        .size   odd_saves_everything, . - odd_saves_everything

        .section .note.GNU-stack, "", @progbits
