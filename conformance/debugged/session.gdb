# What a user does: breakpoints, registers, single steps, memory, a variable changed, the end.
set pagination off
set confirm off
break *turn
break *done
continue
echo at turn:
printf " a0 %ld, a1 %ld\n", $a0, $a1
stepi
stepi
echo after two steps:
printf " a0 %ld, a1 %ld, pc turn+%ld\n", $a0, $a1, $pc - (long)&turn
continue
echo at turn again:
printf " a0 %ld, a1 %ld\n", $a0, $a1
delete 1
set $a1 = 105
continue
echo at done:
printf " a1 %ld, result %ld, fa0 %g\n", $a1, *(long *)&result, $fa0
printf "vl %ld, vlenb %ld, v9 %d %d %d\n", $vl, $vlenb, $v9.w[0], $v9.w[1], $v9.w[31]
set *(long *)&result = 42
set $v9.w[1] = -7
printf "v9 %d %d, result %ld\n", $v9.w[0], $v9.w[1], *(long *)&result
continue
