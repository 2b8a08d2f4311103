/*
 * The contract of model/stats.h for the normal and Student's t. Values of mpmath at 30 digits:
 * incomplete beta functions, quadrature of the density above 1e6, roots of both; scipy_cases.h has
 * those of scipy.
 */
#include "model/stats.h"

#include "near.h"
#include "scipy_cases.h"

static void parts_of_student_are_those_of_the_incomplete_beta_function(void **state)
{
    static const struct {
        double t, freedom, part;
    } rows[] = {
        {-1, 1, 0.25},
        {300, 1, 0.99893897097577951},
        {-0.3, 2.5, 0.3936711857475986},
        {1.2, 4, 0.85182430334382328},
        {-2.5, 9, 0.01693091384149287},
        {1.75, 29, 0.954652988143977},
        {2.039513446396408, 31, 0.97499999999999997},
        {-8, 31, 2.4701318509516898e-9},
        {1e-5, 397, 0.50000398691136646},
        {-3, 1000, 0.0013833545221190962},
        {-1.96, 1e6, 0.024998033792634893},
        {-3, 1e7, 0.0013499013555185806},
        {0, 5, 0.5},
    };
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        double part = nw_model_student_part(rows[i].t, rows[i].freedom);
        assert_near(part, rows[i].part, 1e-12);
        assert_near(nw_model_student_part(-rows[i].t, rows[i].freedom), 1 - rows[i].part, 1e-12);
    }
}

static void quantiles_of_student_are_roots_of_its_parts(void **state)
{
    static const struct {
        double p, freedom, t;
    } rows[] = {
        {0.975, 1, 12.706204736174705},
        {0.975, 2, 4.3026527297494639},
        {0.01, 2.5, -5.3531111730308743},
        {1e-12, 3, -10331.108244292486},
        {0.975, 6, 2.44691185114497},
        {0.95, 9, 1.8331129326562372},
        {0.975, 31, 2.0395134463964085},
        {0.3, 31, -0.52983631667825414},
        {0.995, 99, 2.6264054572808275},
        {0.975, 997, 1.9623462360894502},
        {0.5, 7, 0},
    };
    for (size_t i = 0; i < NW_COUNT(rows); i++)
        assert_near(nw_model_student_quantile(rows[i].p, rows[i].freedom), rows[i].t, 1e-12);
}

static void quantile_and_part_undo_each_other(void **state)
{
    static const double freedoms[] = {1, 1.5, 3, 8, 31, 100, 5000, 99999, 100001, 1e9, 1e15};
    for (size_t i = 0; i < NW_COUNT(freedoms); i++) {
        for (double p = 1e-100; p < 0.5; p = p < 1e-3 ? p * 1e3 : p + 0.03) {
            double t = nw_model_student_quantile(p, freedoms[i]);
            assert_true(isfinite(t) && t < 0);
            /* In a tail of 1e-100 the series for great degrees of freedom has fewer digits. */
            assert_near(nw_model_student_part(t, freedoms[i]), p, p < 1e-30 ? 1e-6 : 2e-9);
            if (p > 1e-10)
                assert_near(nw_model_student_quantile(1 - p, freedoms[i]), -t,
                            1e-5 * 1e-10 / p + 1e-9);
        }
    }
    assert_near(nw_model_student_part(INFINITY, 3), 1, 0);
    assert_near(nw_model_student_part(-INFINITY, 3e6), 0, 0);
    assert_near(nw_model_student_part(-1e99, 5e6), 0, 0);
}

static void student_equals_scipy(void **state)
{
    for (size_t i = 0; i < NW_COUNT(scipy_student); i++) {
        double t = scipy_student[i].t, freedom = scipy_student[i].freedom,
               p = scipy_student[i].part;
        assert_near(nw_model_student_part(t, freedom), p, 1e-9);
    }
    for (size_t i = 0; i < NW_COUNT(scipy_student_quantile); i++) {
        double t = scipy_student_quantile[i].t;
        double p = scipy_student_quantile[i].part, freedom = scipy_student_quantile[i].freedom;
        assert_near(nw_model_student_quantile(p, freedom), t, 1e-9);
    }
}

static void normal_quantiles_have_all_digits(void **state)
{
    static const struct {
        double p, z;
    } rows[] = {{1e-100, -21.273453560965324},  {1e-12, -7.0344838253011319},
                {0.025, -1.9599639845400542},   {0.3, -0.52440051270804078},
                {0.6, 0.2533471031357998},      {0.975, 1.9599639845400542},
                {0.999999, 4.7534243088228989}, {0.5, 0}};
    for (size_t i = 0; i < NW_COUNT(rows); i++) {
        double z = nw_model_normal_quantile(rows[i].p);
        assert_near(z, rows[i].z, i == 6 ? 1e-11 : 1e-14); /* 1 - 0.999999 has eleven digits */
        assert_near(nw_model_normal_part(z), rows[i].p, 1e-12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_student_are_those_of_the_incomplete_beta_function),
        cmocka_unit_test(quantiles_of_student_are_roots_of_its_parts),
        cmocka_unit_test(quantile_and_part_undo_each_other),
        cmocka_unit_test(student_equals_scipy),
        cmocka_unit_test(normal_quantiles_have_all_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
