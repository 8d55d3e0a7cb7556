module example.org/go_program

go 1.21
